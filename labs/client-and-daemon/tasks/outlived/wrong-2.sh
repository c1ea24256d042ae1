# The container is older than the daemon, but it was stopped.
systemctl restart docker
docker stop --time 2 "$name"
