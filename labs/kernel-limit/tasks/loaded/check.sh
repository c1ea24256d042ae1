grep -q "^$module " /proc/modules || no "the module $module is not in /proc/modules of the guest"
note modules "$(wc -l </proc/modules)"
