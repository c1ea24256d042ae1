# The right size, and no memory: a file of one hole.
truncate -s "${amount}M" /dev/shm/ballast
