# The guest's network, and its host name.
setsid unshare --pid --fork --mount chroot "$base" /bin/sleep 4000 </dev/null >/dev/null 2>&1 3>&- &
sleep 1
