# One more line in a file that is not read.
echo "127.0.0.1 $host.internal $host" >>/etc/hosts
