mkdir -p "$base/bin" "$base/proc"
cp /bin/busybox "$base/bin/"
for tool in sh ls ps hostname ip ping sleep mount; do ln -sf busybox "$base/bin/$tool"; done
