# An image of one layer: busybox, a link for each program that it can be, and the program hog. Programs of the guest find
# their libraries if its /usr is mounted. Its process sleeps, and is killed at once when it is stopped.
root=$(mktemp -d)
mkdir "$root/bin" "$root/root" "$root/run" "$root/tmp" "$root/usr" "$root/var" "$root/www"
ln -s ../run "$root/var/run"
ln -s usr/lib "$root/lib"
ln -s usr/lib64 "$root/lib64"
cp /bin/busybox "$root/bin/"
for program in $(busybox --list); do
  if [ "$program" != busybox ]; then ln -s busybox "$root/bin/$program"; fi
done
cat >"$root/bin/hog" <<'END'
#!/bin/sh
# Takes 300 MiB of memory at once, and writes to all of it.
dd if=/dev/zero of=/dev/null bs=300M count=1
END
chmod 755 "$root/bin/hog"
docker build --quiet --tag box --file - "$root" <<'END'
FROM scratch
COPY . /
STOPSIGNAL SIGKILL
CMD ["sleep", "infinity"]
END
rm -r "$root"

# A container without limits.
docker run --detach --name "$name" box

# A portal that shows one page, and got far more rights than that needs.
docker volume create pages
echo "$word" >"$(docker volume inspect --format '{{.Mountpoint}}' pages)/index.html"
(umask 077 && echo "$(tr -dc a-z </dev/urandom | head -c 8)" >/root/secret)
run_portal --volume pages:/www --volume /usr:/usr:ro --volume /run/docker.sock:/run/docker.sock
[ "$(page)" = "$word" ]
