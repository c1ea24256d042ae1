# In the machine's last ten minutes, every login shows how long it has left.
/usr/local/lib/trilab/lifetime left >&2
