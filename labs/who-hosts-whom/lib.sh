# The kind of a system that setup.guest.sh describes.
kind_of() {
  case $1 in
    xen | hyper-v) echo type-1 ;;
    virtualbox) echo type-2 ;;
    *-container) echo container ;;
    metal) echo metal ;;
  esac
}
# Prints a name and a system on each line. `order` is the number of a permutation of the systems.
named_systems() {
  local systems=(xen hyper-v virtualbox rented-container system-container metal plain-container)
  local name rest=$order at
  for name in otter heron lynx badger marten plover stoat; do
    at=$((rest % ${#systems[@]}))
    rest=$((rest / ${#systems[@]}))
    echo "$name ${systems[at]}"
    systems=("${systems[@]:0:at}" "${systems[@]:at+1}")
  done
}
