# The container may not write, but it has only a copy of the folder, in a volume.
docker rm --force reader
docker run --detach --name reader --volume copy:/config:ro box
