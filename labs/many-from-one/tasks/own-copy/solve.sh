podman exec "$name-1" /bin/sh -c 'echo changed >>/data' 3>&-
