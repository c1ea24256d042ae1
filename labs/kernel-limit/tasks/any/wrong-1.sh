# Only one architecture.
make_list
