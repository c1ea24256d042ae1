# The file is read, and nothing else.
sed -i 's/^hosts:.*/hosts: files/' /etc/nsswitch.conf
