# Root's container, in the guest's network.
kill "$(cat /run/httpd)"
make_image env
podman run --detach --network host --name "$name" "localhost/$name" /bin/busybox httpd -f -p "$port" -h /www 3>&-
sleep 1
