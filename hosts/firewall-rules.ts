import { createHash } from "node:crypto";
import { SEATS_CIDR } from "../model/cidr.js";
import { BRIDGE_PREFIX } from "../model/naming.js";

/**
 * The firewall around seats, as data: static rules for every seat's bridge. A host sets them once; they don't change when
 * seats come and go. Nothing here runs a command.
 *
 * The rules are in the mangle table. Packets pass it before the rules of Docker and libvirt, which accept too much (a
 * container may reach anything, also libvirt's networks), and neither daemon changes ours.
 */
export interface RuleSet {
  /** `iptables` for IPv4, `ip6tables` for IPv6; each comes with a `-save` and a `-restore` program. */
  program: "iptables" | "ip6tables";
  /** The rules of our own chain, in order. */
  chain: readonly Rule[];
  /** The rules in the kernel's chains that jump to ours: each chain's name, then the rule. */
  hooks: readonly Rule[];
}
type Rule = readonly string[];

const TABLE = "mangle";
const CHAIN = "TRILAB";
const SEATS = `${BRIDGE_PREFIX}+`;
const named = (comment: string): Rule => ["-m", "comment", "--comment", comment];

/** Metadata addresses, from which clouds give out secrets, outside the link-local range: Azure, Alibaba, Oracle. */
const METADATA = ["168.63.129.16", "100.100.100.200", "192.0.0.192"];
const LINK_LOCAL = "169.254.0.0/16";

const own: Rule = ["-m", "addrtype", "--dst-type", "LOCAL", "--limit-iface-in"];
const dns: readonly Rule[] = ["udp", "tcp"].map((protocol) => ["-p", protocol, "--dport", "53"]);
const returned = (...rule: readonly Rule[]): Rule => [...rule.flat(), "-j", "RETURN"];
const dropped = (...rule: readonly Rule[]): Rule => [...rule.flat(), "-j", "DROP"];

/** Rules for what a seat's machine sends. RETURN passes a packet on to the rules of Docker and libvirt. */
const FROM_A_SEAT: readonly Rule[] = [
  // A source address outside this bridge's network is spoofed.
  dropped(["-m", "rpfilter", "--invert"]),
  // Answers are allowed: this host connects to guests by SSH.
  returned(["-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED"]),
  // From its gateway a machine needs DNS, which a guest's network serves, and ping, which learners try first.
  ...dns.map((it) => returned(it, own)),
  returned(["-p", "icmp", "-m", "icmp", "--icmp-type", "8"], own),
  // Other seats' machines, and their gateways.
  dropped(["-d", SEATS_CIDR]),
  // Docker's resolver queries the host's resolver from within the container; that may be link-local, or this host.
  ...dns.map((it) => returned(it)),
  ...[LINK_LOCAL, ...METADATA].map((address) => dropped(["-d", address])),
  // Every other address of this host, including published container ports; broadcast and multicast.
  dropped(["-m", "addrtype", "!", "--dst-type", "UNICAST"]),
];

const fromSeats: Rule = ["PREROUTING", "-i", SEATS, ...named("trilab"), "-j", CHAIN];

export const FIREWALL: readonly RuleSet[] = [
  {
    program: "iptables",
    chain: FROM_A_SEAT,
    // From any seat's bridge to any other, whatever the addresses are.
    hooks: [fromSeats, ["FORWARD", "-i", SEATS, "-o", SEATS, ...named("trilab"), "-j", "DROP"]],
  },
  // Seats have no IPv6 addresses, but a machine could still reach this host's link-local ones.
  { program: "ip6tables", chain: [dropped()], hooks: [fromSeats] },
];

/** The single rule of versions before the firewall. */
const FORMER: Rule = ["FORWARD", "-s", SEATS_CIDR, "-d", SEATS_CIDR, ...named("trilab"), "-j", "DROP"];

/** Every rule of our chain has this version, so that older rules are recognised. */
const version = ({ chain }: RuleSet): string =>
  `trilab-${createHash("sha256").update(JSON.stringify(chain)).digest("hex").slice(0, 8)}`;

const chainLines = (set: RuleSet): string[] =>
  set.chain.map((rule) => ["-A", CHAIN, ...named(version(set)), ...rule].join(" "));

/**
 * Whether a rule set is in place, from the output of `iptables-save -t mangle` or `ip6tables-save -t mangle`. Programs print
 * matches in different ways, so the rules of our chain are counted by their version.
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
 * A shell script that sets the firewall, for this host, another one over SSH, or at boot. It may run at any time and any
 * number of times: it replaces our chain in one step, so that packets never pass it without rules.
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

/** A shell script that removes the firewall. */
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
