docker rm --force "$name"
docker run --detach --init --label "colour=$colour" --name "$name" box busybox sleep infinity
