note answer "$(docker container inspect --format '{{join .Config.Env "\n"}}' witness | sed -n 's/^TOKEN=//p')"
