# Nor is the name of the learner's own file.
mkdir -p /dev/shm/more
mv /dev/shm/kept /dev/shm/more/ballast
