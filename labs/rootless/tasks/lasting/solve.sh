units="/home/$user/.config/systemd/user"
as_user mkdir -p "$units"
as_user env -C "$units" podman generate systemd --new --files --name "$name"
as_user podman rm --force --time 0 "$name"
as_user systemctl --user daemon-reload
as_user systemctl --user enable --now "container-$name.service"
loginctl enable-linger "$user"
