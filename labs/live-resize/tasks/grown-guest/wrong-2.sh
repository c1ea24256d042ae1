# The server answers all the time, but the size is another one.
watch-server
sleep 2
note resize "$((more - 24))MiB"
