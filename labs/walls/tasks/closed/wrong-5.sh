# Nobody can misuse a container that does not exist.
docker rm --force portal
