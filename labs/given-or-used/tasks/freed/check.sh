[ ! -e /dev/shm/ballast ] || no "/dev/shm/ballast is still there in the $target"
note free "$(sed -n 's/^MemFree: *//p' /proc/meminfo)"
