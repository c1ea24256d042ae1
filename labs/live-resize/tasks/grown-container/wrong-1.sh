# The right size, but the web server was restarted by hand meanwhile, so an answer was missed.
watch-server
service nginx stop
sleep 2
service nginx start 3>&-
note resize "${more}MiB"
