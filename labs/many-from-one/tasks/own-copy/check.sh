original="$(image_layer)/data" || no "there is no image localhost/$name"
copy="$(own_layer "$name-1")/data" || no "there is no container $name-1"
[ -f "$copy" ] || no "the container $name-1 has no /data of its own"
before=$(stat -c %s "$original")
cmp -s -n "$before" "$original" "$copy" || no "/data of $name-1 does not begin with the $size MiB of the image"
[ "$(tail -c +$((before + 1)) "$copy" | wc -l)" -eq 1 ] || no "/data of $name-1 must have exactly one line more than /data in the image"
for i in $(seq 2 "$count"); do
  [ ! -e "$(own_layer "$name-$i")/data" ] || no "the container $name-$i has also changed its /data; only $name-1 may"
done
note bytes "$(stat -c %s "$copy")"
