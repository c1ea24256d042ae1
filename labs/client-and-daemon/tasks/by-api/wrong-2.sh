# It runs, but its label is another one.
docker rm --force "$name"
docker run --detach --init --label colour=grey --name "$name" box busybox sleep infinity
