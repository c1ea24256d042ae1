# After a restart, SSH answers earlier than the services.
while [ "$(systemctl is-system-running || :)" = starting ] && [ "$SECONDS" -lt 60 ]; do sleep 1; done
page() { timeout 5 busybox wget -q -O - "http://127.0.0.1:$1/" 2>/dev/null; }
# The port of the forgotten service.
forgotten_port() { sed -n 's/^ExecStart=.* -p \([0-9]*\) .*/\1/p' /etc/systemd/system/status-page.service; }
# Whether a port answers from outside.
answers() { from-outside "$1" | grep -q ' answers$'; }
site() {
  mkdir -p /srv/www
  echo "$word" >/srv/www/index.html
  printf 'server { listen %s; root /srv/www; }\n' "$port" >/etc/nginx/sites-enabled/own
}
# The firewall's file; $1 is the policy, the standard input the rules.
firewall() {
  {
    printf 'flush ruleset\ntable inet filter {\nchain input {\ntype filter hook input priority 0; policy %s;\n' "$1"
    cat
    printf '}\n}\n'
  } >/etc/nftables.conf
}
