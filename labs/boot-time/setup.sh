# unit NAME DESCRIPTION SECONDS WANTED-BY, and more lines of [Unit] on standard input
unit() {
  cat >"/etc/systemd/system/$1.service" <<END
[Unit]
Description=$2
$(cat)

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sleep $3

[Install]
WantedBy=$4
END
}
unit "$slow" "Waits for a server that was switched off last year" "$delay" ssh.service <<END
DefaultDependencies=no
Before=ssh.service
END
unit "$needed" "Prepares data that users need in the morning" "$longer" multi-user.target </dev/null
systemctl enable --quiet "$slow" "$needed"
