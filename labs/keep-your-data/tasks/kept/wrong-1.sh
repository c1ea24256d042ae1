# It starts again only if its process ended with an error.
docker update --restart on-failure "$name"
