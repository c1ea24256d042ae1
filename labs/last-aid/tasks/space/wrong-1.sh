# The largest file that has a name goes.
rm /srv/orders/monday
