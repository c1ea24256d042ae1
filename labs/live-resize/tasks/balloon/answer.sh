note answer "$(awk '$1 == "balloon_inflate" { pages += $2 } $1 == "balloon_deflate" { pages -= $2 } END { print pages }' /proc/vmstat)"
