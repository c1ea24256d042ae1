# It starts with a configuration that somebody made up.
cp "$at_start/history" "/var/lib/$name/history"
echo "EVERY=$((every + 1))" >"/etc/$name.conf"
systemctl restart "$name"
