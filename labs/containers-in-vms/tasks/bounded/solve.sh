start_container "$name-free"
podman update --memory "${limit}m" "$name-free" 3>&-
