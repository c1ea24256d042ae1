# Without the second container, there is nothing to bound.
podman rm --force --time 0 "$name-free"
