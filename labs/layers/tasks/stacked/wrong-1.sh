# A copy looks the same, but it is no overlay.
mkdir -p "/srv/$name/lower" "/srv/$name/merged"
cd "/srv/$name"
echo grey >lower/colour
echo 'I am old' >lower/old
echo "$colour" >merged/colour
