page=$(curl --silent --fail --max-time 10 "http://$host.internal:$port/") ||
  no "http://$host.internal:$port/ does not answer: curl ended with $?"
[ "$page" = "$word" ] || no "http://$host.internal:$port/ answers with another text: $page"
grep -Eq '^hosts:.*\<dns\>' /etc/nsswitch.conf || no "/etc/nsswitch.conf does not use DNS any more, so other names are not found"
id -u "$name" >/dev/null 2>&1 || no "the user $name is not found any more: see the line passwd in /etc/nsswitch.conf"
note address "$(getent hosts "$host.internal")"
