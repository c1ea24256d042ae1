note answer "$(awk '$1 == "MemTotal:" { print int($2 / 1024) }' /proc/meminfo)"
