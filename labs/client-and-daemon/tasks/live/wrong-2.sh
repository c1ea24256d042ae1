# The daemon that runs has read it, but the next one will not.
echo '{ "live-restore": true }' >/etc/docker/daemon.json
systemctl reload docker
until [ "$(docker info --format '{{.LiveRestoreEnabled}}')" = true ]; do sleep 0.5; done
rm /etc/docker/daemon.json
