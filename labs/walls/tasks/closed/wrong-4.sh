# An ordinary user, who can get capabilities by a program that belongs to root.
run_portal --user 65534 --volume pages:/www:ro
