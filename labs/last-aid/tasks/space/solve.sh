systemctl restart collector
