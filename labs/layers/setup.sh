# The registry of the package asks for a password. This one serves only this machine, so it needs none.
cat >/etc/docker/registry/config.yml <<'END'
version: 0.1
storage:
  filesystem:
    rootdirectory: /var/lib/docker-registry
http:
  addr: localhost:5000
END
systemctl restart docker-registry

# An image with a file that a later layer deletes.
context=$(mktemp -d)
cp /bin/busybox "$context/"
echo "$(tr -dc a-z </dev/urandom | head -c 8)" >"$context/token"
docker build --quiet --tag found --file - "$context" <<'END'
FROM scratch
COPY busybox /bin/busybox
COPY token /etc/token
RUN ["/bin/busybox", "rm", "/etc/token"]
CMD ["busybox", "sh"]
END
rm -r "$context"
until registry_answers; do sleep 0.5; done
