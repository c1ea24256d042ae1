layer=$(own_layer "$name-1") || no "there is no container $name-1"
[ -f "$layer/data" ] || no "the container $name-1 has no /data of its own: add the line to it first"
kib=$(du -sk "$layer" | cut -f 1)
note answer "$(awk -v kib="$kib" 'BEGIN { print kib / 1024 }')"
