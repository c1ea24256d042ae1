must_have_changed_to "$less"
