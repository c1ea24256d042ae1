# Ended now, and back at the next start.
systemctl stop "$slow"
