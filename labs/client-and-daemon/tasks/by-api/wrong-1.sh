# Created, and not started.
docker create --label "colour=$colour" --name "$name" box busybox sleep infinity
