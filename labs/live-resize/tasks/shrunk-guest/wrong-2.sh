# The watcher starts when the size is right already.
watch-server
sleep 2
