# An image of one layer: busybox, and a link for each program that it can be. Its process sleeps, and is killed at once when it is stopped.
root=$(mktemp -d)
mkdir "$root/bin" "$root/root" "$root/tmp"
cp /bin/busybox "$root/bin/"
for program in $(busybox --list); do
  if [ "$program" != busybox ]; then ln -s busybox "$root/bin/$program"; fi
done
docker build --quiet --tag box --file - "$root" <<'END'
FROM scratch
COPY . /
STOPSIGNAL SIGKILL
CMD ["sleep", "infinity"]
END

# A container with all of its data in its writable layer.
mkdir -p "$at_start"
docker run --detach --name "$name" box >"$at_start/first.id"
mkdir "$root/data"
for _ in 1 2 3 4 5 6 7 8; do echo "order $(tr -dc a-z </dev/urandom | head -c 8)"; done >"$root/data/ledger"
sha256sum <"$root/data/ledger" >"$at_start/ledger.sum"
docker cp "$root/data" "$name:/"

# A container is gone, and its volumes are not. One of them has a diary.
container=$(docker create --volume /cache --volume /private --volume /lists box true)
read -r first second third <<<"$(docker container inspect --format '{{range .Mounts}}{{.Source}} {{end}}' "$container")"
echo nothing >"$first/cache.tmp"
echo "$(tr -dc a-z </dev/urandom | head -c 8)" >"$second/diary"
echo bread >"$third/shopping"
docker rm "$container"
rm -r "$root"
