/usr/local/lib/trilab/lifetime set $(($(cat /var/lib/expires-at-first) + more * 60))
