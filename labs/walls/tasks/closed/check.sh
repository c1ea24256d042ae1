pid=$(first_process portal) || no "the container portal does not run"
[ "$(page || :)" = "$word" ] || no "port $port of the guest does not answer with $word"
[ "$(of portal '{{.HostConfig.NetworkMode}}')" != host ] || no "the container portal uses the guest's own network"
for source in $(of portal '{{range .Mounts}}{{.Source}} {{end}}'); do
  for socket in "$source" "$source/docker.sock" "$source/run/docker.sock"; do
    [ ! -S "$socket" ] || no "the container portal still has Docker's socket, through its mount $source"
  done
done
field() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$pid/status"; }
[ "$(field CapBnd)" = 0000000000000000 ] || no "the container portal has capabilities or can get some: its CapBnd is $(field CapBnd), not 0"
[ "$(field Uid | cut -f 1)" -ne 0 ] || no "the process of the container portal runs as root"
note mounts "$(of portal '{{range .Mounts}}{{.Source}} {{end}}')"
note user "$(field Uid | cut -f 1)"
