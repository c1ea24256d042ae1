grep -q '^dummy ' /proc/modules || no "the module dummy is not in /proc/modules of the $target"
note modules "$(wc -l </proc/modules)"
