# Full copies instead of overlays.
cd /srv/disks
for i in $(seq "$disks"); do cp base.qcow2 "disk-$i.qcow2"; done
qemu-io -c "write -P 65 0 ${written}M" disk-1.qcow2
