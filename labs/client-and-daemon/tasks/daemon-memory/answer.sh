note answer "$(awk '$1 == "VmRSS:" { print $2 / 1024 }' "/proc/$(systemctl show --property MainPID --value docker)/status")"
