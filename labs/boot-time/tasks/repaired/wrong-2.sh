# The unit that takes longest, and that nobody waits for.
systemctl disable --quiet --now "$needed"
