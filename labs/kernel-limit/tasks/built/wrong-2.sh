# An image with the name, and without the program.
podman rmi "localhost/$name"
tar -C /srv/box -c bin | podman import - "localhost/$name"
