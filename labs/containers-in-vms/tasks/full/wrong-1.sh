# No limit, and less than the guest has.
start_container "$name-free"
use_memory "$name-free" 100
