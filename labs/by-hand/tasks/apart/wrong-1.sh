# chroot alone: a root of its own, but the guest's namespaces.
setsid chroot "$base" /bin/sleep 4000 </dev/null >/dev/null 2>&1 3>&- &
sleep 1
