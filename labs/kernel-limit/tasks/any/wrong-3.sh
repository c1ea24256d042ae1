# An architecture without having looked.
make_list --arch s390x
