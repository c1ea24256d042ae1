# Both ends of the cable stay in the guest.
ip link add "to-$name" type veth peer name inside
ip addr add "10.99.$net.2/24" dev "to-$name"
ip link set "to-$name" up
