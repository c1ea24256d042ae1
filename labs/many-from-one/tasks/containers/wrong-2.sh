# One container of the image, where many are asked for.
podman rm --all --force --time 0
build_image
start_container "$name-1" "localhost/$name"
