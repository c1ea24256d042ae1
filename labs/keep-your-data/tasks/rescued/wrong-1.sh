# A new container with a volume, and the ledger was left in the old one's layer.
docker rename "$name" old
docker run --detach --name "$name" --volume "$name-data:/data" box
