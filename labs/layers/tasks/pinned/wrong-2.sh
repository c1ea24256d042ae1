# By digest, but it is the digest of version 2.
docker rm --force pinned
docker create --name pinned "$(docker image inspect --format '{{index .RepoDigests 0}}' "$name:2")"
