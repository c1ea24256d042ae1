echo '{ "live-restore": true }' >/etc/docker/daemon.json
systemctl reload docker
until [ "$(docker info --format '{{.LiveRestoreEnabled}}')" = true ]; do sleep 0.5; done
