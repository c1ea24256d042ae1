# Both are restarted, the container last.
systemctl restart docker
docker restart "$name"
