layer=$(image_layer) || no "there is no image localhost/$name"
[ "$(stat -c %s "$layer/data" 2>/dev/null)" = $((size * 1048576)) ] || no "the last layer of localhost/$name has no file /data of $size MiB"
running=$(podman ps --quiet --filter "ancestor=localhost/$name" | wc -l)
[ "$running" -eq "$count" ] || no "$running containers run from localhost/$name, not $count"
note image "$(podman image inspect --format '{{.Id}}' "localhost/$name")"
