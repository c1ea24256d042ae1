build_image "$word"
