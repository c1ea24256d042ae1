# The policy is right, and the container was stopped by hand, so the daemon leaves it stopped.
docker update --restart unless-stopped "$name"
docker stop "$name"
