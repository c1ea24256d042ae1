pid=$(container)
ip link del "to-$name" 2>/dev/null || :
ip link add "to-$name" type veth peer name inside
ip link set inside netns "$pid"
ip addr add "10.99.$net.1/24" dev "to-$name"
ip link set "to-$name" up
nsenter --target "$pid" --net ip addr add "10.99.$net.2/24" dev inside
nsenter --target "$pid" --net ip link set inside up
