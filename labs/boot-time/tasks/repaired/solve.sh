systemctl enable --quiet "$needed"
systemctl unmask --quiet --runtime "$slow"
systemctl disable --quiet --now "$slow"
