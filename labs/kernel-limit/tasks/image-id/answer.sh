digest=$(skopeo inspect --raw "oci:$layout:latest" | grep -o '"config":{[^}]*}' | grep -o 'sha256:[0-9a-f]*')
note answer "$(cut -c 8-19 <<<"$digest")"
