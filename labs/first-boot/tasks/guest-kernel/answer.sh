note answer "$(uname -r)"
