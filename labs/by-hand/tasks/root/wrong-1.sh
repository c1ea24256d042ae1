# A shell without the libraries that it needs.
mkdir -p "$base/bin"
cp /bin/bash "$base/bin/sh"
