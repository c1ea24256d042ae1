id=$(of "$name" '{{.Id}}') || no "there is no container $name"
[ "$id" != "$(cat "$at_start/first.id")" ] || no "the container $name is still the old one: create a new container with this name"
volume=$(mounted_on "$name" /data '{{.Name}}')
[ "$volume" = "$name-data" ] || no "the container $name does not have the volume $name-data on /data"
ledger_is_kept || no "the volume $name-data does not contain the unchanged ledger of the first container"
note container "$id"
