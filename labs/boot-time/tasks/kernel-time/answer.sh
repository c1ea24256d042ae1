microseconds=$(systemctl show --property UserspaceTimestampMonotonic --value)
note answer "${microseconds}e-6"
