kept=$(find /dev/shm /run /tmp -xdev -type f -size +60M ! -name ballast -print -quit)
[ -z "$kept" ] || no "$kept still holds memory in the $target"
note free "$(sed -n 's/^MemFree: *//p' /proc/meminfo)"
