# The right size, but nobody watched the server while it changed.
pkill -KILL -f 'watch-server loop$'
note resize "${less}MiB"
