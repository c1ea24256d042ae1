watch-server
sleep 2
note resize "${more}MiB"
