policy=$(of "$name" '{{.HostConfig.RestartPolicy.Name}}') || no "there is no container $name"
case $policy in
  always | unless-stopped) ;;
  on-failure) no "the restart policy of $name is on-failure: whether it starts again depends on how its process ended" ;;
  *) no "the restart policy of $name is ${policy:-no}: the daemon does not start it again" ;;
esac
[ "$(of "$name" '{{.State.Running}}')" = true ] || no "the container $name does not run"
ledger_is_kept || no "the container $name has not kept the ledger"
