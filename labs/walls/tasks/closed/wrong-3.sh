# Without the socket, and root with the usual capabilities.
run_portal --volume pages:/www:ro
