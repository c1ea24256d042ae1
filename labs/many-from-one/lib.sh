# The folder that holds what a container has written, its layer above the image.
own_layer() { podman inspect --format '{{.GraphDriver.Data.UpperDir}}' "$1" 2>/dev/null; }
# The folder of the image's last layer.
image_layer() { podman image inspect --format '{{.GraphDriver.Data.UpperDir}}' "localhost/$name" 2>/dev/null; }
# Without descriptor 3, which trilab reads to its end: containers live longer than the script that starts them.
start_container() { podman run --replace --detach --network none --name "$1" "$2" 3>&-; }
image_folder() {
  mkdir -p /srv/image/bin
  cp /bin/busybox /srv/image/bin/sh
  head -c "${size}M" /dev/urandom >/srv/image/data
}
build_image() {
  image_folder
  printf 'FROM scratch\nCOPY bin /bin\nCOPY data /data\nCMD ["/bin/sh", "-c", "exec sleep 100000"]\n' >/srv/image/Containerfile
  podman build --tag "localhost/$name" /srv/image 3>&-
}
make_overlays() {
  local i
  for i in $(seq "$disks"); do
    qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 "/srv/disks/disk-$i.qcow2"
  done
}
