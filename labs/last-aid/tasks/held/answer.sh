note answer "$(awk '{ printf "%.2f", $1 / 1048576 }' "$at_start/held")"
