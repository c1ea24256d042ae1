pid=$(first_process "$name") || no "the container $name does not run"
group=$(cgroup_of "$pid")
[ "$(cat "$group/memory.max")" = "$((memory * 1048576))" ] || no "the container $name does not have its memory limit"
killed=$(sed -n 's/^oom_kill //p' "$group/memory.events")
[ "$killed" -gt 0 ] || no "in the container $name, the kernel has not killed a process for using too much memory"
refused=$(sed -n 's/^max //p' "$group/pids.events")
[ "$refused" -gt 0 ] || no "in the container $name, the kernel has not yet refused to start a process"
note killed "$killed"
note refused "$refused"
