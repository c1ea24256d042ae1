# The daemon has not read it yet.
echo '{ "live-restore": true }' >/etc/docker/daemon.json
