docker update --memory "${memory}m" --memory-swap "${memory}m" --pids-limit "$pids" "$name"
