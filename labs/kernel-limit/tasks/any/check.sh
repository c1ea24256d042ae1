list=$(podman manifest inspect "localhost/$name-any" 2>/dev/null) || no "there is no manifest list localhost/$name-any"
# Each line: an architecture, and the digest of the image for it.
entries=$(awk -F '"' '$2 == "digest" { digest = $4 } $2 == "architecture" { print $4, digest }' <<<"$list")
own=$(digest_of "$name") || no "there is no image localhost/$name"
grep -qx "amd64 $own" <<<"$entries" || no "the list does not contain localhost/$name for amd64"
said=$(grep " $(digest_of foreign)\$" <<<"$entries" | cut -d ' ' -f 1 | tr '\n' ' ')
[ -n "$said" ] || no "the list does not contain the image localhost/foreign"
[ "$said" = "$arch " ] || no "the list contains localhost/foreign for the wrong architecture: ${said}(read e_machine in its ELF header)"
note entries "$(tr '\n' ' ' <<<"$entries")"
