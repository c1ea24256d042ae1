pid=$(container) || no "no process in a PID namespace of its own has $base as its root"
note answer "$(sed -n 's/^NSpid:.*[[:space:]]//p' "/proc/$pid/status")"
