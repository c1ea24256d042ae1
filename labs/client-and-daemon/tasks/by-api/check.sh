label=$(docker container inspect --format '{{.Config.Labels.colour}}' "$name" 2>/dev/null) || no "there is no container $name"
[ "$label" = "$colour" ] || no "the container $name does not have the label colour=$colour"
[ "$(docker container inspect --format '{{.State.Running}}' "$name")" = true ] || no "the container $name exists, but does not run"
