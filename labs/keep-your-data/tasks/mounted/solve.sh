mkdir -p "/srv/$name"
echo "$word" >"/srv/$name/colour"
if of reader '{{.Id}}'; then docker rm --force reader; fi
docker run --detach --name reader --volume "/srv/$name:/config:ro" box
