# Another seat's word.
build_image someone
