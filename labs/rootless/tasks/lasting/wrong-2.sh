# A unit that is written, and not enabled.
units="/home/$user/.config/systemd/user"
as_user mkdir -p "$units"
as_user env -C "$units" podman generate systemd --new --files --name "$name"
