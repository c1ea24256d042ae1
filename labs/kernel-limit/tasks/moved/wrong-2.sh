# An OCI layout of another image.
make_layout someone
