# The page, and no container.
mkdir -p /srv/www
echo "$word" >/srv/www/index.html
setsid busybox httpd -f -p "$port" -h /srv/www </dev/null >/dev/null 2>&1 3>&- &
echo $! >/run/httpd
sleep 1
