total=$(awk '$1 == "MemTotal:" { print int($2 / 1024) }' /proc/meminfo)
sum=0
for called in $(podman ps --format '{{.Names}}'); do
  group=$(cgroup "$called") || continue
  bytes=$(cat "$group/memory.max")
  [ "$bytes" != max ] || no "the container $called has no limit"
  sum=$((sum + bytes / 1048576))
done
for called in "$name" "$name-free"; do
  cgroup "$called" >/dev/null || no "the container $called does not run"
done
[ $((total - sum)) -ge "$reserve" ] || no "the sum of all limits is $sum MiB, which leaves $((total - sum)) of the guest's $total MiB, not $reserve"
note limits "$sum of $total MiB"
