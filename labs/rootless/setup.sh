# Each seat has its own range of subordinate IDs. Without a storage.conf, Debian's Podman copies a user's whole image for each container.
echo "$user:$first:65536" | tee /etc/subuid >/etc/subgid
mkdir -p /etc/containers
cat >/etc/containers/storage.conf <<END
[storage]
driver = "overlay"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
END
