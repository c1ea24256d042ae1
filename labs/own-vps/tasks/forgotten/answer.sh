note answer "$(forgotten_port)"
