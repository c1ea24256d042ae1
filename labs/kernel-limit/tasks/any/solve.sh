make_list --arch "$arch"
