state() { systemctl is-enabled "$1" 2>/dev/null || :; }
now=$(state "$needed.service")
[ "$now" = enabled ] || no "$needed.service is ${now:-gone}, but it must be enabled: users need it, and it does not delay SSH"
[ "$(state ssh.service)" = enabled ] || no "ssh.service is not enabled"
case $(state "$slow.service") in
  disabled | masked | "") ;;
  *)
    case " $(systemctl show --property Before --value "$slow.service") " in
      *" ssh.service "*) no "at the next start, SSH will wait for a unit again" ;;
    esac
    ;;
esac
note ssh "$(systemctl show --property ActiveEnterTimestampMonotonic --value ssh.service)"
