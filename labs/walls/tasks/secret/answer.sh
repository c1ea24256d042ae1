note answer "$(cat /root/secret)"
