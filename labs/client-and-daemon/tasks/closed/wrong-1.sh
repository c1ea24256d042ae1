# The socket is closed until the daemon's next start, and the user is still in the group.
chmod 600 /run/docker.sock
