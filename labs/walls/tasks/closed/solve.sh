run_portal --user 65534 --cap-drop ALL --volume pages:/www:ro
