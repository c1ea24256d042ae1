# It lingers, but nothing starts the container.
loginctl enable-linger "$user"
