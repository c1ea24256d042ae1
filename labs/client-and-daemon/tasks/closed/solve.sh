if id --name --groups "$user" | grep --quiet --word-regexp docker; then gpasswd --delete "$user" docker; fi
chmod 660 /run/docker.sock
