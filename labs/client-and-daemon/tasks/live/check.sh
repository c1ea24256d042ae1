[ "$(docker info --format '{{.LiveRestoreEnabled}}')" = true ] || no "the running daemon has not enabled live-restore"
grep -Eqs '"live-restore"[[:space:]]*:[[:space:]]*true' /etc/docker/daemon.json ||
  no "/etc/docker/daemon.json does not enable live-restore, so the daemon forgets it"
