# A line into a file beside it.
podman exec "$name-1" /bin/sh -c 'echo changed >/data.new' 3>&-
