# A memory limit, and as many processes as before.
docker update --memory "${memory}m" --memory-swap "${memory}m" "$name"
