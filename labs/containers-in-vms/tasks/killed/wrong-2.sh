# A process was killed, but by another limit.
start_container "$name" --memory "$((limit + 8))m"
use_memory "$name" 200
