# The base disk, with contents that only this seat has. Its digest says later whether it was changed.
mkdir -p /srv/disks
cd /srv/disks
qemu-img create -q -f qcow2 base.qcow2 64M
qemu-io -c "write -P $((size + 100)) 0 16M" base.qcow2
sha256sum base.qcow2 >/var/lib/base.sha256
