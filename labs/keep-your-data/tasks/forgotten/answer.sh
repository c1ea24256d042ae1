note answer "$(cat /var/lib/docker/volumes/*/_data/diary)"
