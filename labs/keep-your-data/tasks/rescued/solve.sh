if of old '{{.Id}}'; then
  docker rm --force "$name"
  docker rename old "$name"
fi
docker cp "$name:/data/ledger" /tmp/ledger
docker rename "$name" old
docker run --detach --name "$name" --volume "$name-data:/data" box
docker cp /tmp/ledger "$name:/data/"
docker rm --force old
