docker tag "$name:1" "localhost:5000/$name:stable"
docker push "localhost:5000/$name:stable"
