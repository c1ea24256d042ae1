# The right folder, but the container may write to it.
mkdir -p "/srv/$name"
echo "$word" >"/srv/$name/colour"
docker run --detach --name reader --volume "/srv/$name:/config" box
