kib=$(du -sk "$(own_layer "$name-1")" | cut -f 1)
note answer "$(awk -v kib="$kib" 'BEGIN { print kib / 1024 }')"
