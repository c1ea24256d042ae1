microseconds=$(systemctl show --property UserspaceTimestampMonotonic --value)
note answer "$(awk -v us="$microseconds" 'BEGIN { printf "%.3f", us / 1e6 }')"
