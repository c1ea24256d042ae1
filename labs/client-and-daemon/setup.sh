tar --create --directory / bin/busybox | docker import - box

word() { tr -dc a-z </dev/urandom | head -c 8; }
docker create --name witness --env "TOKEN=$(word)" box busybox true
(umask 077 && word >/root/only-root && echo >>/root/only-root)

# The learner removes this member again.
gpasswd --add "$user" docker
