now=$(given)
[ "$now" = "$less" ] || no "the guest has $now MiB now, not $less"
note answer "$(awk '$1 == "balloon_inflate" { pages += $2 } $1 == "balloon_deflate" { pages -= $2 } END { print pages }' /proc/vmstat)"
