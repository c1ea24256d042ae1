# It was watched, but the size is another one.
note resize "$((less + 24))MiB"
