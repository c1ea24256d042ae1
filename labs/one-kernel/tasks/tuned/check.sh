now=$(sysctl -n vm.swappiness)
[ "$now" = "$swappiness" ] || no "vm.swappiness is $now in the $target"
note vm.swappiness "$now"
