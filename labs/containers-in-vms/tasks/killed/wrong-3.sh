# A process was killed, but not for lack of memory.
start_container "$name" --memory "${limit}m"
podman exec --detach "$name" busybox sleep 5000 3>&-
pkill -KILL -f '^busybox sleep 5000'
