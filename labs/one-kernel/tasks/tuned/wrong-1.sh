# A file for the next boot is not the running kernel's setting.
echo "vm.swappiness = $swappiness" >/etc/sysctl.d/90-swappiness.conf
