# Two names of one image.
docker tag "$name:1" "$name:2"
