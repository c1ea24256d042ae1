mountpoint -q /srv/orders || no "no file system is mounted on /srv/orders"
for day in monday tuesday; do
  kept "$day" "/srv/orders/$day" || no "the orders of $day are lost or changed"
done
free=$(free_bytes)
[ "$free" -ge "$(($(cat "$at_start/held") * 9 / 10))" ] || no "/srv/orders has only $free bytes free"
systemctl --quiet is-active collector || no "the service collector does not run"
note free "$free"
