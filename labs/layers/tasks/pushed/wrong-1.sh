# A name for the registry, and nothing sent.
docker tag "$name:1" "localhost:5000/$name:stable"
