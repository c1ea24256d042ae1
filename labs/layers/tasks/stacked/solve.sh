mkdir -p "/srv/$name"
cd "/srv/$name"
if mountpoint -q merged; then umount merged; fi
rm -rf lower upper work merged
mkdir lower upper work merged
echo grey >lower/colour
echo 'I am old' >lower/old
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged
echo "$colour" >merged/colour
rm merged/old
