tar --create --directory / bin/busybox | podman import - localhost/box
podman image exists localhost/box
