file=/dev/shm/ballast
[ -f "$file" ] || no "there is no file $file in the $target"
size=$(stat -c %s "$file")
[ "$size" -eq $((amount * 1048576)) ] || no "$file in the $target has $size bytes, which is not $amount MiB"
used=$(($(stat -c %b "$file") * 512))
[ "$used" -ge "$size" ] || no "$file has holes: only $used of its $size bytes are in memory"
note bytes "$size"
