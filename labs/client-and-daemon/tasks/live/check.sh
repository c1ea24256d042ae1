[ "$(docker info --format '{{.LiveRestoreEnabled}}')" = true ] || no "the running daemon does not use live-restore: systemctl reload docker"
grep -Eqs '"live-restore"[[:space:]]*:[[:space:]]*true' /etc/docker/daemon.json ||
  no "/etc/docker/daemon.json does not enable live-restore, so the next daemon will not use it"
