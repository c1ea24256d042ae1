# The module's file is in the image. A file is not a part of a kernel.
mkdir -p /srv/box/bin
cp "$(modinfo --field filename "$module")" /srv/box/bin/
