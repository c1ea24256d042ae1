# The text of the program /hello; $1 is its word.
hello() {
  echo "echo \"$1 on kernel \$(uname -r)\""
  echo "if [ -d /sys/module/$module ]; then echo \"module $module: yes\"; else echo \"module $module: no\"; fi"
}
# In the guest: builds the image with the word $1.
build_image() {
  mkdir -p /srv/box/bin
  cp /bin/busybox /srv/box/bin/sh
  hello "$1" >/srv/box/hello
  printf 'FROM scratch\nCOPY bin /bin\nCOPY hello /hello\nCMD ["/bin/sh", "/hello"]\n' >/srv/box/Containerfile
  podman build --tag "localhost/$name" /srv/box 3>&-
}
# In the container, which can build no image: writes the file $2, an image as podman save writes it, with the word $1.
make_archive() {
  local work
  work=$(mktemp -d)
  hello "$1" >"$work/hello"
  tar -C "$work" -cf "$work/layer.tar" hello
  cat >"$work/config.json" <<END
{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:$(sha256sum "$work/layer.tar" | cut -d ' ' -f 1)"]}}
END
  echo '[{"Config":"config.json","RepoTags":[],"Layers":["layer.tar"]}]' >"$work/manifest.json"
  tar -C "$work" -cf "$2" manifest.json config.json layer.tar
  rm -r "$work"
}
layout="/home/$user/$name"
# Makes the OCI layout with the word $1.
make_layout() {
  rm -rf "$layout"
  make_archive "$1" "$layout.tar"
  skopeo copy "docker-archive:$layout.tar" "oci:$layout:latest"
}
digest_of() { podman image inspect --format '{{.Digest}}' "localhost/$1" 2>/dev/null; }
# Makes the manifest list with the learner's image, and with the image foreign if options of podman manifest add are given.
make_list() {
  podman manifest rm "localhost/$name-any" 2>/dev/null || :
  podman manifest create "localhost/$name-any"
  podman manifest add "localhost/$name-any" "containers-storage:localhost/$name"
  [ $# -eq 0 ] || podman manifest add "$@" "localhost/$name-any" containers-storage:localhost/foreign
}
