[ "$(of reader '{{.State.Running}}')" = true ] || no "there is no running container reader"
[ "$(mounted_on reader /config '{{.Source}}')" = "/srv/$name" ] || no "the container reader does not see /srv/$name as /config"
[ "$(mounted_on reader /config '{{.RW}}')" = false ] || no "the container reader can write to /config: mount the folder with :ro"
[ "$(cat "/srv/$name/colour" 2>/dev/null)" = "$word" ] || no "the file /srv/$name/colour does not contain exactly the word $word"
