# The others must end first: one container is looked at.
for dir in /proc/[0-9]*; do
  if [ "$(readlink "$dir/root" 2>/dev/null)" = "$base" ]; then kill -KILL "${dir#/proc/}" || :; fi
done
setsid unshare --pid --fork --mount --uts --net chroot "$base" /bin/sh -c \
  "hostname $name; mount -t proc proc /proc; exec sleep 100000" </dev/null >/dev/null 2>&1 3>&- &
for _ in 1 2 3 4 5 6 7 8 9 10; do
  if pid=$(container) && [ "$(nsenter --target "$pid" --uts hostname)" = "$name" ]; then exit 0; fi
  sleep 0.5
done
exit 1
