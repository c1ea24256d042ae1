# Another name is not less memory.
mv /dev/shm/leftover /dev/shm/kept
