# Without the socket, but with its folder.
run_portal --user 65534 --cap-drop ALL --volume pages:/www:ro --volume /run:/host:ro
