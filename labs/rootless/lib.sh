# The process IDs of conmon, which holds the container `name`, and of the container's first process. Fails if it does not run.
container() {
  local conmon
  for conmon in $(pgrep -x conmon); do
    if tr '\0' ' ' <"/proc/$conmon/cmdline" | grep -q -- " -n $name "; then
      echo "$conmon $(pgrep -P "$conmon" | head -n 1)"
      return 0
    fi
  done
  return 1
}
page() { timeout 5 busybox wget -q -O - "http://127.0.0.1:$port/" 2>/dev/null; }
# Runs a command as the login user, with that user's systemd.
as_user() {
  local id
  id=$(id -u "$user")
  systemctl start "user@$id.service"
  runuser -u "$user" -- env -C "/home/$user" HOME="/home/$user" XDG_RUNTIME_DIR="/run/user/$id" "$@" 3>&-
}
# Makes the image; $1 is what runs Podman: as_user, or env for root.
make_image() {
  local box=/tmp/box
  mkdir -p $box/bin $box/www
  cp /bin/busybox $box/bin/
  echo "$word" >$box/www/index.html
  tar -C $box -c . | "$@" podman import --change 'CMD ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]' - "localhost/$name"
}
