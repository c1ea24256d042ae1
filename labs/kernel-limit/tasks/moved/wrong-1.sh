# The archive was copied, and not changed.
make_archive "$word" "$layout.tar"
