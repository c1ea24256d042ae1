# Masked until the next start only.
systemctl enable --quiet "$needed"
systemctl mask --quiet --runtime "$slow"
