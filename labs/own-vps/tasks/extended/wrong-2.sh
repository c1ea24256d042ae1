# Without an end, it is never too early.
/usr/local/lib/trilab/lifetime set never
