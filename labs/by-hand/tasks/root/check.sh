[ -d "$base" ] || no "there is no folder $base"
[ "$(chroot "$base" /bin/sh -c 'echo works' 2>/dev/null)" = works ] || no "chroot $base /bin/sh does not start a shell"
[ ! -e "$base/usr/bin/dpkg" ] || no "$base is a copy of the whole guest; a few files are enough"
note programs "$(find "$base/bin" | wc -l)"
