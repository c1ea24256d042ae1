sysctl -q "vm.swappiness=$swappiness"
