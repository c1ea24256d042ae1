# The ledger is in the new container, but in its writable layer again.
docker rm --force "$name"
docker create --name "$name" box
docker cp old:/data /tmp/
docker cp /tmp/data "$name:/"
rm -r /tmp/data
