members=$(getent group docker | cut -d : -f 4)
[ -z "$members" ] || no "the group docker still has the member $members"
others=$(stat --format %A /run/docker.sock | cut -c 8-10)
[ "$others" = --- ] || no "every user may use /run/docker.sock"
