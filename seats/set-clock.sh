# set_clock sets this machine's clock to the caller's, who answers each line `clock?` with the time in seconds. The first `date` only
# loads the program from disk, so that the next one starts at once. On a busy host, an answer may be old when it is used. Then it is asked again.
set_clock() {
  date >/dev/null || return
  for _ in 1 2 3 4 5; do
    read -r before _ </proc/uptime
    echo 'clock?'
    read -r now
    date -s "@$now" >/dev/null || return
    read -r after _ </proc/uptime
    # Hundredths of a second.
    [ $((${after%.*}${after#*.} - ${before%.*}${before#*.})) -lt 50 ] && break
  done
  return 0
}
