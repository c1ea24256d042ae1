# An empty file is not removed.
: >/dev/shm/ballast
