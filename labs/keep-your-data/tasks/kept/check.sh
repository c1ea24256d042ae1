policy=$(of "$name" '{{.HostConfig.RestartPolicy.Name}}') || no "there is no container $name"
case $policy in
  always | unless-stopped) ;;
  on-failure) no "the restart policy of $name is on-failure: the daemon starts it again only if its process ended with an error" ;;
  *) no "the restart policy of $name is ${policy:-no}: the daemon does not start it again" ;;
esac
[ "$(of "$name" '{{.State.Running}}')" = true ] || no "the container $name does not run"
ledger_is_kept || no "the volume of the container $name does not contain the unchanged ledger"
