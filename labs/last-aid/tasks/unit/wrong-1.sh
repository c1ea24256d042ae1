# It may write, because it is root now.
cp "/etc/$name.conf.saved" "/etc/$name.conf"
mkdir -p "/etc/systemd/system/$name.service.d"
printf '[Service]\nUser=root\n' >"/etc/systemd/system/$name.service.d/user.conf"
systemctl daemon-reload
systemctl restart "$name"
