# Named for the next boot, and not loaded.
echo dummy >/etc/modules-load.d/dummy.conf
