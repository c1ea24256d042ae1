# Version 1, but by a tag that can be moved.
docker tag "$name:1" "localhost:5000/$name:old"
docker push "localhost:5000/$name:old"
docker create --name pinned "localhost:5000/$name:old"
docker tag "$name:2" "localhost:5000/$name:stable"
docker push "localhost:5000/$name:stable"
