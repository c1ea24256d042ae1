# What the setup keeps for the checks: copies of the data that no repair may lose.
at_start=/var/lib/trilab/at-start
kept() { cmp --silent "$at_start/$1" "$2"; }
free_bytes() { df --block-size=1 --output=avail /srv/orders | tail -n 1 | tr -d ' '; }
