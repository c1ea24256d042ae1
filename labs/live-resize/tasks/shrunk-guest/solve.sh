watch-server
sleep 2
note resize "${less}MiB"
