# Without the daemon, nothing can be looked at. If it is still starting, this waits for it.
curl --silent --fail --unix-socket /run/docker.sock http://localhost/_ping >/dev/null
# What the setup keeps for the checks: the ledger's SHA-256 sum, and the first container's ID.
at_start=/var/lib/trilab/at-start
# A field of a container. It fails if there is no such container.
of() { docker container inspect --format "$2" "$1" 2>/dev/null; }
# The volume or folder that is mounted in a container on a path.
mounted_on() { of "$1" "{{range .Mounts}}{{if eq .Destination \"$2\"}}$3{{end}}{{end}}"; }
ledger_is_kept() {
  local folder
  folder=$(mounted_on "$name" /data '{{.Source}}')
  [ -n "$folder" ] && [ "$(sha256sum <"$folder/ledger")" = "$(cat "$at_start/ledger.sum")" ]
}
