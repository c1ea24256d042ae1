site
systemctl enable nginx
systemctl restart nginx
until page "$port"; do sleep 0.5; done
