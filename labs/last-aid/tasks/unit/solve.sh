mv "/etc/$name.conf.saved" "/etc/$name.conf"
chown "$name" "/var/lib/$name"
systemctl restart "$name"
