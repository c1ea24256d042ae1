head -c "${amount}M" /dev/zero >/dev/shm/ballast
