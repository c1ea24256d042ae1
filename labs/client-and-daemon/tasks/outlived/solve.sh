docker start "$name"
systemctl restart docker
