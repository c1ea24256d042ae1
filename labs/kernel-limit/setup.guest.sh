modprobe --dry-run "$module"

# A program for another CPU. The kernel reads its header first, and stops there, so no code follows.
case $arch in
  arm) class='\1' machine='\50\0' ;;
  arm64) class='\2' machine='\267\0' ;;
  loong64) class='\2' machine='\2\1' ;;
  ppc64le) class='\2' machine='\25\0' ;;
  riscv64) class='\2' machine='\363\0' ;;
esac
mkdir -p /srv/foreign/bin
{
  printf "\\177ELF$class\\1\\1\\0\\0\\0\\0\\0\\0\\0\\0\\0"
  printf "\\2\\0$machine\\1\\0\\0\\0"
  head -c 488 /dev/zero
} >/srv/foreign/bin/hello
chmod 755 /srv/foreign/bin/hello
# The image claims to be for amd64: nobody compares that with the program.
tar -C /srv/foreign -c . | podman import --change 'CMD ["/bin/hello"]' - localhost/foreign
podman image exists localhost/foreign
# The learner reads the header from the image.
rm -r /srv/foreign
