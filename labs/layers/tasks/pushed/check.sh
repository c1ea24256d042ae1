registry_answers
manifest stable >/dev/null || no "the registry has no image $name:stable"
case $(pushed_version stable) in
  "$colour "[12]) note digest "sha256:$(manifest stable | sha256sum | cut -d ' ' -f 1)" ;;
  *) no "in the registry, the last layer of $name:stable has no file /version with \"$colour\" and the version" ;;
esac
