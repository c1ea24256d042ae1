# More than the guest has in total: the kernel refuses the request, and kills nobody.
start_container "$name-free"
use_memory "$name-free" 4000
