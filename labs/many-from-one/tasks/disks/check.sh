cd /srv/disks
sha256sum --check --quiet /var/lib/base.sha256 2>/dev/null || no "base.qcow2 has changed: overlays on it are no longer valid"
for i in $(seq "$disks"); do
  [ -f "disk-$i.qcow2" ] || no "there is no /srv/disks/disk-$i.qcow2"
  qemu-img info "disk-$i.qcow2" | grep -q '^backing file: base.qcow2\b' || no "disk-$i.qcow2 is not an overlay on base.qcow2"
  # The lines of depth 0 are what the overlay holds itself.
  own=$(qemu-img map --output=json "disk-$i.qcow2" | sed -n 's/.*"length": \([0-9]*\), "depth": 0, "present": true.*/\1/p' | awk '{ sum += $1 } END { print sum + 0 }')
  want=0
  [ "$i" -ne 1 ] || want=$((written * 1048576))
  [ "$own" -eq $want ] || no "disk-$i.qcow2 holds $own bytes of its own, not $want"
done
[ ! -e "disk-$((disks + 1)).qcow2" ] || no "there are more than $disks overlays: disk-$((disks + 1)).qcow2 exists"
note base "$(cut -c 1-16 /var/lib/base.sha256)"
