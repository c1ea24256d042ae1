mkdir -p "$at_start"

# 1. A small file system. A process keeps a deleted file in it open.
truncate --size 16M /var/lib/orders.img
mke2fs -q -F -t ext4 -b 4096 -O ^has_journal -m 0 /var/lib/orders.img
mkdir -p /srv/orders
echo '/var/lib/orders.img /srv/orders ext4 loop,nofail 0 0' >>/etc/fstab
mount /srv/orders
cat >/etc/systemd/system/collector.service <<'END'
[Unit]
Description=Collects orders
RequiresMountsFor=/srv/orders

[Service]
ExecStart=/bin/bash -c 'exec 9>>/srv/orders/trace; exec sleep infinity'

[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
systemctl enable --now collector
until [ -e /srv/orders/trace ]; do sleep 0.2; done
for day in monday tuesday; do
  head -c "$(((15 - held) * 524288))" /dev/urandom >"/srv/orders/$day"
  cp "/srv/orders/$day" "$at_start/$day"
done
cat /dev/zero >>/srv/orders/trace || :
while head -c 4096 /dev/zero >>/srv/orders/trace; do :; done
stat --format %s /srv/orders/trace >"$at_start/held"
rm /srv/orders/trace
[ "$(free_bytes)" -lt 4096 ]

# 2. A service whose configuration has the wrong name, and whose folder has the wrong owner.
useradd --system --no-create-home "$name"
cat >/usr/local/bin/heartbeat <<'END'
#!/bin/bash
# Writes the time into a file again and again.
set -eu
echo "writing to $1/heartbeat every $EVERY seconds"
while true; do
  date +%s >"$1/heartbeat"
  sleep "$EVERY"
done
END
chmod 755 /usr/local/bin/heartbeat
cat >"/etc/systemd/system/$name.service" <<END
[Unit]
Description=Shows that the $name is alive

[Service]
User=$name
EnvironmentFile=/etc/$name.conf
ExecStart=/usr/local/bin/heartbeat /var/lib/$name

[Install]
WantedBy=multi-user.target
END
echo "EVERY=$every" >"/etc/$name.conf.saved"
mkdir -p "/var/lib/$name"
tr -dc a-z </dev/urandom | head -c 400 >"/var/lib/$name/history"
cp "/var/lib/$name/history" "$at_start/history"
systemctl daemon-reload
systemctl enable "$name"
systemctl start "$name" || :

# 3. A name that is in /etc/hosts, which nobody reads.
mkdir -p /srv/site
echo "$word" >/srv/site/index.html
cat >/etc/nginx/sites-enabled/site <<END
server {
  listen 127.0.0.1:$port;
  server_name $host.internal;
  root /srv/site;
}
END
nginx -s reload
# The machine writes /etc/hosts anew when it starts, so a service adds the name then.
cat >/etc/systemd/system/site-name.service <<END
[Unit]
Description=Adds the name of the web page to /etc/hosts

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'grep -q $host.internal /etc/hosts || echo 127.0.0.1 $host.internal >>/etc/hosts'

[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
systemctl enable --now site-name
grep -q "$host.internal" /etc/hosts
sed -i 's/^hosts:.*/hosts: dns/' /etc/nsswitch.conf
