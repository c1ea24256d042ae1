start_container "$name-free"
use_memory "$name-free" 690
