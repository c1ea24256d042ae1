docker image inspect --format '{{.GraphDriver.Data.LowerDir}}' found | tr : '\n' | while read -r layer; do
  if [ -f "$layer/etc/token" ]; then note answer "$(cat "$layer/etc/token")"; fi
done
