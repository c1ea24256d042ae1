log=/var/log/watch-server
# How many MiB the machine was given. A guest was started with 512; what a memory device has added, and what a balloon has
# taken, is counted in pages of 4 KiB.
given() {
  local file
  if [ "$target" = container ]; then
    for file in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
      if [ -r "$file" ]; then echo $(($(cat "$file") / 1048576)); fi
    done
  else
    awk '
      $3 == "zone" { movable = $4 == "Movable" }
      movable && $1 == "managed" { pages += $2 }
      $1 == "balloon_inflate" { pages -= $2 }
      $1 == "balloon_deflate" { pages += $2 }
      END { print 512 + pages / 256 }' /proc/zoneinfo /proc/vmstat
  fi
}
# The check of all four tasks. $1: how many MiB there must be.
must_have_changed_to() {
  local now size
  now=$(given)
  [ "$now" = "$1" ] || no "the $target has $now MiB, not $1"
  pgrep -f 'watch-server loop$' >/dev/null || no "the watcher does not run in the $target: start it with watch-server, then change the size"
  # It has a moment to note the new size.
  until size=$(tail -n 1 "$log" | cut -d ' ' -f 2) && [ "$(tail -n 3 "$log" | grep -c " $size MiB ")" -eq 3 ]; do
    [ "$SECONDS" -lt 20 ] || no "the watcher writes nothing to $log: start it again with watch-server, then change the size"
    sleep 0.5
  done
  grep -q answered "$log" || no "the web server of the $target does not answer"
  ! grep -q missed "$log" || no "the web server of the $target failed to answer at least once: read $log, start the watcher again, and change the size again"
  grep -qv " $size MiB " "$log" || no "the watcher did not see the size change: start it before you change the size"
  note sizes "$(cut -d ' ' -f 2 "$log" | uniq | tr '\n' ' ')"
  note answers "$(grep -c answered "$log")"
}
