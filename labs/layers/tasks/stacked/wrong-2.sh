# An overlay, but the change was made below it.
cd "/srv/$name"
rm -rf lower merged
mkdir -p lower upper work merged
echo "$colour" >lower/colour
echo 'I am old' >lower/old
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged
rm merged/old
