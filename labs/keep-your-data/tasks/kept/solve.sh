docker start "$name"
docker update --restart unless-stopped "$name"
