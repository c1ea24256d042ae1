digest=$(digest_of_first)
note answer "$(cut -c 8-19 <<<"$digest")"
