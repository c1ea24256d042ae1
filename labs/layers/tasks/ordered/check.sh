for version in 1 2; do
  read -r top layers < <(
    docker image inspect --format '{{.GraphDriver.Data.UpperDir}} {{join .RootFS.Layers " "}}' "$name:$version" 2>/dev/null
  ) || :
  # Without the image, Docker prints an empty line.
  [ -n "$top" ] || no "there is no image $name:$version"
  [ -f "$top/version" ] || no "the file /version is not in the last layer of $name:$version"
  [ "$(cat "$top/version")" = "$colour $version" ] || no "the file /version of $name:$version does not say \"$colour $version\""
  below[version]=${layers% *}
done
[ "$(wc -w <<<"${below[1]}")" -ge 2 ] || no "$name:1 has fewer than three layers"
[ "${below[1]}" = "${below[2]}" ] || no "$name:1 and $name:2 must share all layers except the last"
note shared "$(wc -w <<<"${below[1]}")"
