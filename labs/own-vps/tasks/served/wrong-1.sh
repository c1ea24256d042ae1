# The page, from another program.
mkdir -p /srv/www
echo "$word" >/srv/www/index.html
systemd-run --unit=own-page busybox httpd -f -p "$port" -h /srv/www
until page "$port"; do sleep 0.5; done
