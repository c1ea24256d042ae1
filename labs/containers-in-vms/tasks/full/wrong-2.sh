# Killed, but by a limit of its own.
start_container "$name-free" --memory "${limit}m"
use_memory "$name-free" 200
