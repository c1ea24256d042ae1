hidden=$(forgotten_port)
for open in 22 "$port"; do
  answers "$open" || no "from outside, port $open does not answer"
done
page "$hidden" >/dev/null || no "the status page must still answer on the VPS itself: systemctl start status-page, and let the firewall accept iif lo"
if answers "$hidden"; then no "from outside, port $hidden still answers"; fi
nft list ruleset | grep -q 'hook input .*policy drop' || no "no input chain has the policy drop: a service that is installed tomorrow will be open"
systemctl is-enabled --quiet nftables || no "the service nftables is not enabled: the rules will be lost at the next boot"
nft --check --file /etc/nftables.conf || no "/etc/nftables.conf has an error"
grep -q 'policy drop' /etc/nftables.conf || no "the rules are not in /etc/nftables.conf: they will be lost at the next boot"
note outside "$(from-outside 22 "$port" "$hidden" | tr '\n' ' ')"
