podman rm --all --force --time 0
make_image as_user
as_user podman run --detach --name "$name" --publish "$port:8080" "localhost/$name"
for _ in 1 2 3 4 5; do
  page && break
  sleep 1
done
