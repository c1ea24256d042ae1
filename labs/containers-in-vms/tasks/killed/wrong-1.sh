# The limit, and nothing that reaches it.
start_container "$name" --memory "${limit}m"
use_memory "$name" 8
