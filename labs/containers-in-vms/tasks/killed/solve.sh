start_container "$name" --memory "${limit}m"
use_memory "$name" 200
