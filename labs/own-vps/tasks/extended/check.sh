end=$(cat /var/lib/trilab/expires)
[ "$end" != never ] || no "the VPS has no end now: a rented one would cost money until somebody remembers it"
first=$(cat /var/lib/expires-at-first)
added=$(((end - first) / 60))
[ "$added" -eq "$more" ] || no "the VPS ends $added minutes later than first planned, not $more"
note ends "$(date --date "@$end" --iso-8601=minutes)"
