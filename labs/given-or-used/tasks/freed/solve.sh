rm -f /dev/shm/leftover /dev/shm/kept
