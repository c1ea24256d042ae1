# Named for the next boot, and not loaded.
echo "$module" >/etc/modules-load.d/own.conf
