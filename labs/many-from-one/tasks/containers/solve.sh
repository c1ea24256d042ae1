podman image exists "localhost/$name" || build_image
for i in $(seq "$count"); do start_container "$name-$i" "localhost/$name"; done
