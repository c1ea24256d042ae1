/** Perl programs for tests of who can reach whom; each prints "ready" when it is. They need perl-base, no more. */

/** Sends one UDP packet whose source is another's; as root, with CAP_NET_RAW. */
export const spoof = (source: string, sourcePort: number, target: string, port: number): string =>
  `use Socket; socket(my $s, AF_INET, SOCK_RAW, 255) or die $!; my $d = "spoofed";
  my $u = pack("nnnn", ${sourcePort}, ${port}, 8 + length $d, 0) . $d;
  my $p = pack("CCnnnCCna4a4", 0x45, 0, 20 + length $u, 1, 0, 64, 17, 0, inet_aton("${source}"), inet_aton("${target}")) . $u;
  defined send($s, $p, 0, pack_sockaddr_in(${port}, inet_aton("${target}"))) or die $!`;

/** Greets whoever comes by TCP, on every address, IPv4 and IPv6. */
export const greet = (port: number): string =>
  `use IO::Socket::IP; $| = 1;
  my $s = IO::Socket::IP->new(LocalHost => "::", V6Only => 0, LocalPort => ${port}, Listen => 9, ReuseAddr => 1) or die $@;
  print "ready\\n"; while (my $c = $s->accept) { print $c "hello\\n"; close $c }`;

/** Prints each UDP datagram that comes, until one that says "end". */
export const receive = (address: string, port: number): string =>
  `use IO::Socket::IP; $| = 1;
  my $s = IO::Socket::IP->new(Proto => "udp", LocalHost => "${address}", LocalPort => ${port}) or die $@;
  print "ready\\n"; while (1) { $s->recv(my $m, 999); last if $m eq "end"; print "$m\\n" }`;
