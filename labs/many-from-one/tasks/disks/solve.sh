cd /srv/disks
make_overlays
qemu-io -c "write -P 65 0 ${written}M" disk-1.qcow2
