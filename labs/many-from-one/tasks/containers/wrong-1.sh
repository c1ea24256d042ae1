# An image each: nothing is shared.
image_folder
tar -C /srv/image -c . | podman import --change 'CMD ["/bin/sh", "-c", "exec sleep 100000"]' - "localhost/$name:1"
start_container "$name-1" "localhost/$name:1"
