registry_answers
image=$(docker container inspect --format '{{.Config.Image}}' pinned 2>/dev/null) || no "there is no container pinned"
case $image in
  "localhost:5000/$name@sha256:"*) ;;
  *) no "the container pinned was created from $image, which is not localhost:5000/$name with a digest" ;;
esac
[ "$(pushed_version "${image#*@}")" = "$colour 1" ] || no "the digest of the container pinned is not that of version 1"
[ "$(pushed_version stable)" = "$colour 2" ] || no "in the registry, the tag stable does not name version 2"
note image "$image"
