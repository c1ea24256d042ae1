docker tag "$name:2" "localhost:5000/$name:stable"
docker push "localhost:5000/$name:stable"
digest=$(digest_of_first)
docker rm --force pinned
docker run --name pinned "localhost:5000/$name@$digest"
