# Nothing is left for the guest.
start_container "$name-free" --memory 700m
