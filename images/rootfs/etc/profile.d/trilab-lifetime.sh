# In its last ten minutes the machine says so at every login.
/usr/local/lib/trilab/lifetime left >&2
