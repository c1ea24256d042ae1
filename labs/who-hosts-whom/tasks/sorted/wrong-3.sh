# Nothing is sorted.
sed -i 's/ .*/ ?/' "/home/$user/sorted"
