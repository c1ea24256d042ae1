import { createHash } from "node:crypto";
import { SEATS_CIDR } from "../model/cidr.js";
import { BRIDGE_PREFIX } from "../model/naming.js";

/**
 * The firewall around seats, as data: static rules on every seat's bridge, which a host sets once, whatever seats come
 * and go later. Nothing here runs a command.
 *
 * The rules stand in the mangle table. Packets pass it before Docker's and libvirt's own rules, which accept too much (a
 * container may go anywhere, also to libvirt's networks), and neither daemon ever touches ours.
 */
export interface RuleSet {
  /** `iptables` for IPv4, `ip6tables` for IPv6; each comes with a `-save` and a `-restore` program. */
  program: "iptables" | "ip6tables";
  /** The rules of our own chain, in order. */
  chain: readonly Rule[];
  /** The rules of the kernel's chains, which lead there: each chain's name, then the rule. */
  hooks: readonly Rule[];
}
type Rule = readonly string[];

const TABLE = "mangle";
const CHAIN = "TRILAB";
const SEATS = `${BRIDGE_PREFIX}+`;
const named = (comment: string): Rule => ["-m", "comment", "--comment", comment];

/** Where clouds tell a machine its secrets, outside the link-local addresses: Azure, Alibaba, Oracle. */
const METADATA = ["168.63.129.16", "100.100.100.200", "192.0.0.192"];
const LINK_LOCAL = "169.254.0.0/16";

const own: Rule = ["-m", "addrtype", "--dst-type", "LOCAL", "--limit-iface-in"];
const dns: readonly Rule[] = ["udp", "tcp"].map((protocol) => ["-p", protocol, "--dport", "53"]);
const returned = (...rule: readonly Rule[]): Rule => [...rule.flat(), "-j", "RETURN"];
const dropped = (...rule: readonly Rule[]): Rule => [...rule.flat(), "-j", "DROP"];

/** What a seat's machine sends. RETURN hands a packet on to the rules of Docker and libvirt. */
const FROM_A_SEAT: readonly Rule[] = [
  // A source that is not of this very bridge's network is spoofed.
  dropped(["-m", "rpfilter", "--invert"]),
  // Answers: this host enters a guest by SSH.
  returned(["-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED"]),
  // Of its own gateway a machine needs DNS, which a guest's network serves; and a learner pings it first.
  ...dns.map((it) => returned(it, own)),
  returned(["-p", "icmp", "-m", "icmp", "--icmp-type", "8"], own),
  // Other seats' machines, and their gateways.
  dropped(["-d", SEATS_CIDR]),
  // Docker's resolver asks the host's from within the container; that may be link-local, or this host.
  ...dns.map((it) => returned(it)),
  ...[LINK_LOCAL, ...METADATA].map((address) => dropped(["-d", address])),
  // Every other address of this host, its published container ports too, and what is sent to all or many.
  dropped(["-m", "addrtype", "!", "--dst-type", "UNICAST"]),
];

const fromSeats: Rule = ["PREROUTING", "-i", SEATS, ...named("trilab"), "-j", CHAIN];

export const FIREWALL: readonly RuleSet[] = [
  {
    program: "iptables",
    chain: FROM_A_SEAT,
    // From any seat's bridge to any seat's bridge, whatever the addresses say.
    hooks: [fromSeats, ["FORWARD", "-i", SEATS, "-o", SEATS, ...named("trilab"), "-j", "DROP"]],
  },
  // Seats have no IPv6 addresses; what a machine sends nevertheless could reach this host's link-local ones.
  { program: "ip6tables", chain: [dropped()], hooks: [fromSeats] },
];

/** Before the firewall, one rule by address kept seats apart. */
const FORMER: Rule = ["FORWARD", "-s", SEATS_CIDR, "-d", SEATS_CIDR, ...named("trilab"), "-j", "DROP"];

/** Every rule of our chain bears this version, so that one of an older trilab is known for that. */
const version = ({ chain }: RuleSet): string =>
  `trilab-${createHash("sha256").update(JSON.stringify(chain)).digest("hex").slice(0, 8)}`;

const chainLines = (set: RuleSet): string[] =>
  set.chain.map((rule) => ["-A", CHAIN, ...named(version(set)), ...rule].join(" "));

/**
 * Whether a rule set stands, by what `iptables-save -t mangle` or `ip6tables-save -t mangle` printed. Programs print a
 * rule's matches each in its own way, so those of our chain are counted by the version that they bear.
 */
export function stands(set: RuleSet, saved: string): boolean {
  const lines = saved.split("\n").map((line) => line.trim());
  const ours = lines.filter((line) => line.startsWith(`-A ${CHAIN} `));
  const current = ours.filter((line) => line.split(" ").includes(version(set)));
  return (
    ours.length === set.chain.length &&
    current.length === set.chain.length &&
    set.hooks.every((hook) => lines.includes(`-A ${hook.join(" ")}`))
  );
}

/** A kernel without IPv6 has no table for it. */
const whereItIs = ({ program }: RuleSet, lines: readonly string[]): string[] =>
  program === "ip6tables" ? ["if [ -e /proc/sys/net/ipv6 ]; then", ...lines, "fi"] : [...lines];

const call = ({ program }: RuleSet, action: string, ...words: readonly string[]): string =>
  [program, "-w", "10", "-t", TABLE, action, ...words].join(" ");

/**
 * A shell script that sets the firewall, for this host, another one over SSH, or a boot. It may run at any time and any
 * number of times: our chain is exchanged in one step, and is never without rules while packets come through it.
 */
export function setScript(): string {
  const parts = FIREWALL.flatMap((set) =>
    whereItIs(set, [
      `${set.program}-restore -w 10 --noflush <<END`,
      `*${TABLE}`,
      `:${CHAIN} - [0:0]`,
      ...chainLines(set),
      "COMMIT",
      "END",
      ...set.hooks.map((hook) => `${call(set, "-C", ...hook)} 2>/dev/null || ${call(set, "-I", ...hook)}`),
    ]),
  );
  return ["set -e", SBIN, ...parts, ...removeFormer(), ""].join("\n");
}

/** A shell script that takes the firewall away. */
export function clearScript(): string {
  const parts = FIREWALL.flatMap((set) =>
    whereItIs(set, [
      ...set.hooks.map((hook) => allOf(call(set, "-D", ...hook))),
      `${call(set, "-F", CHAIN)} 2>/dev/null || true`,
      `${call(set, "-X", CHAIN)} 2>/dev/null || true`,
    ]),
  );
  return ["set -e", SBIN, ...parts, ...removeFormer(), ""].join("\n");
}

const SBIN = "PATH=$PATH:/usr/sbin:/sbin";
const allOf = (deletion: string): string => `while ${deletion} 2>/dev/null; do :; done`;
const removeFormer = (): string[] =>
  FIREWALL.filter(({ program }) => program === "iptables").map((set) => allOf(call(set, "-D", ...FORMER)));
