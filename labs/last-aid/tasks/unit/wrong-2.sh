# It may write into a new folder, and the history is lost with the old one.
# It still runs as root, and would write into the new folder before its restart.
systemctl stop "$name"
rm -r "/etc/systemd/system/$name.service.d" "/var/lib/$name"
install -d -o "$name" "/var/lib/$name"
systemctl daemon-reload
systemctl restart "$name"
