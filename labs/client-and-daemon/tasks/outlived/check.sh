pid=$(docker container inspect --format '{{.State.Pid}}' "$name" 2>/dev/null) || no "there is no container $name"
[ "$pid" != 0 ] || no "the container $name does not run"
# The start of a process, in clock ticks after the kernel's.
start() { sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 20; }
daemon=$(systemctl show --property MainPID --value docker)
[ "$(start "$pid")" -lt "$(start "$daemon")" ] || no "the container $name was started after the daemon that runs now"
note container "$pid"
note daemon "$daemon"
