[ -f "$layout/index.json" ] || no "$layout is not an OCI layout"
layers=$(skopeo inspect --format '{{range .Layers}}{{.}} {{end}}' "oci:$layout:latest" 2>/dev/null) || no "$layout has no image with the tag latest"
for layer in $layers; do
  text=$(tar -xzOf "$layout/blobs/sha256/${layer#sha256:}" hello 2>/dev/null) || continue
  grep -q "$word" <<<"$text" || no "/hello of the image in $layout does not contain the word $word"
  note manifest "$(skopeo inspect --format '{{.Digest}}' "oci:$layout:latest")"
  exit 0
done
no "no layer of the image in $layout has a file /hello"
