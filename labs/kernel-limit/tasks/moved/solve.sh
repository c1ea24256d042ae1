make_layout "$word"
