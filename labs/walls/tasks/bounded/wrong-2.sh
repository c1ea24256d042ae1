# Megabytes of another size: one MiB less.
docker update --memory "$((memory - 1))m" --memory-swap "$((memory - 1))m" --pids-limit "$pids" "$name"
