# What the image claims, and not what its program is.
make_list --arch amd64
