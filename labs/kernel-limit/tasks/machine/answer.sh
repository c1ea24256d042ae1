top=$(podman image inspect --format '{{.GraphDriver.Data.UpperDir}}' localhost/foreign)
note answer "$(od -A n -t u2 -j 18 -N 2 "$top/bin/hello" | tr -d ' ')"
