# nginx, until the next restart.
systemctl stop own-page
site
systemctl start nginx
until page "$port"; do sleep 0.5; done
