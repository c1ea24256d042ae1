note answer "$(sed -n 's/^NSpid:.*[[:space:]]//p' "/proc/$(container)/status")"
