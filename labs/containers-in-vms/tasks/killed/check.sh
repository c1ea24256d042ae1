group=$(cgroup "$name") || no "the container $name does not run"
bytes=$(cat "$group/memory.max")
[ "$bytes" = $((limit * 1048576)) ] || no "memory.max of $name is $bytes, which is not $limit MiB"
[ "$(event "$group" oom_kill)" -gt 0 ] || no "no process in $name was killed for lack of memory"
[ "$(event "$group" oom)" -gt 0 ] || no "a process in $name was killed, but not because of the limit of $name"
note cgroup "${group#/sys/fs/cgroup}"
note events "$(tr '\n' ' ' <"$group/memory.events")"
