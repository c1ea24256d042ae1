note answer "$(cat /root/only-root)"
