# All but the first process of the container, and the shell with the loop.
note answer "$((pids - 2))"
