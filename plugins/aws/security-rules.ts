import type { IpPermission } from "@aws-sdk/client-ec2";
import { z } from "zod";
import { isObject } from "../harness/values.js";

export const ruleSchema = z.strictObject({
  /** tcp, udp, icmp, icmpv6, a number, or -1 for all. */
  protocol: z.string(),
  fromPort: z.int(),
  toPort: z.int(),
  cidrBlocks: z.array(z.string()).optional(),
  ipv6CidrBlocks: z.array(z.string()).optional(),
  prefixListIds: z.array(z.string()).optional(),
  /** IDs of other groups. */
  securityGroups: z.array(z.string()).optional(),
  /** The group itself. Default false. */
  self: z.boolean().optional(),
  description: z.string().optional(),
});
export type Rule = z.output<typeof ruleSchema>;

/** One peer of one rule. AWS counts these as rules, and they can be compared. */
interface Atom {
  protocol: string;
  from: number;
  to: number;
  kind: "cidr" | "cidr6" | "list" | "group" | "self";
  peer: string;
  description: string;
}

const NAMES: Readonly<Record<string, string>> = {
  all: "-1",
  "6": "tcp",
  "17": "udp",
  "1": "icmp",
  "58": "icmpv6",
};

function atom(
  rule: { protocol: string; from: number | undefined; to: number | undefined },
  kind: Atom["kind"],
  peer: string,
  description = "",
): Atom {
  const name = rule.protocol.toLowerCase();
  const protocol = NAMES[name] ?? name;
  // "All" has no ports; then the SDK has 0 for both.
  const [from, to] = protocol === "-1" ? [0, 0] : [rule.from ?? -1, rule.to ?? -1];
  return { protocol, from, to, kind, peer, description };
}

function atomsOf(rules: readonly Rule[]): Atom[] {
  return rules.flatMap((rule) => {
    const head = { protocol: rule.protocol, from: rule.fromPort, to: rule.toPort };
    const each = (kind: Atom["kind"], peers: readonly string[] = []) =>
      peers.map((peer) => atom(head, kind, peer, rule.description));
    return [
      ...each("cidr", rule.cidrBlocks),
      ...each("cidr6", rule.ipv6CidrBlocks),
      ...each("list", rule.prefixListIds),
      ...each("group", rule.securityGroups),
      ...each("self", rule.self ? [""] : []),
    ];
  });
}

/** AWS's description of a group as rules of the SDK: one for each protocol, port range and description. */
export function rulesOf(permissions: readonly IpPermission[] | undefined, group: string): Rule[] {
  const atoms = (permissions ?? []).flatMap((item) => {
    const head = { protocol: item.IpProtocol ?? "-1", from: item.FromPort, to: item.ToPort };
    return [
      ...(item.IpRanges ?? []).map((peer) => atom(head, "cidr", peer.CidrIp ?? "", peer.Description)),
      ...(item.Ipv6Ranges ?? []).map((peer) => atom(head, "cidr6", peer.CidrIpv6 ?? "", peer.Description)),
      ...(item.PrefixListIds ?? []).map((peer) =>
        atom(head, "list", peer.PrefixListId ?? "", peer.Description),
      ),
      ...(item.UserIdGroupPairs ?? []).map((peer) =>
        peer.GroupId === group
          ? atom(head, "self", "", peer.Description)
          : atom(head, "group", peer.GroupId ?? "", peer.Description),
      ),
    ];
  });
  const heads = new Map<string, Atom[]>();
  for (const item of atoms) {
    const key = JSON.stringify([item.protocol, item.from, item.to, item.description]);
    heads.set(key, [...(heads.get(key) ?? []), item]);
  }
  return [...heads.values()].map(ruleOf);
}

function ruleOf(atoms: Atom[]): Rule {
  const peers = (kind: Atom["kind"]) => atoms.filter((item) => item.kind === kind).map((item) => item.peer);
  const list = (name: keyof Rule, kind: Atom["kind"]) =>
    peers(kind).length > 0 ? { [name]: peers(kind) } : {};
  const { protocol = "-1", from = 0, to = 0, description = "" } = atoms[0] ?? {};
  return {
    protocol,
    fromPort: from,
    toPort: to,
    ...list("cidrBlocks", "cidr"),
    ...list("ipv6CidrBlocks", "cidr6"),
    ...list("prefixListIds", "list"),
    ...list("securityGroups", "group"),
    ...(peers("self").length > 0 ? { self: true } : {}),
    ...(description ? { description } : {}),
  };
}

const keysOf = (rules: readonly Rule[]): Map<string, Atom> =>
  new Map(atomsOf(rules).map((item) => [JSON.stringify(item), item]));

/** Whether both allow the same traffic, however their rules are grouped. */
export function rulesAgree(has: unknown, wants: unknown): boolean {
  if (!isRules(has) || !isRules(wants)) return false;
  const [left, right] = [keysOf(has), keysOf(wants)];
  return left.size === right.size && [...left.keys()].every((key) => right.has(key));
}

function isRules(value: unknown): value is Rule[] {
  return Array.isArray(value) && value.every((item) => isObject(item) && typeof item.protocol === "string");
}

/** The rules to remove and to add, in the form of AWS's requests. */
export function changesOf(
  live: readonly Rule[],
  wanted: readonly Rule[],
  group: string,
): { revoke: IpPermission[]; authorize: IpPermission[] } {
  const [has, wants] = [keysOf(live), keysOf(wanted)];
  const missing = (from: Map<string, Atom>, other: Map<string, Atom>): IpPermission[] =>
    [...from].filter(([key]) => !other.has(key)).map(([, item]) => permission(item, group));
  return { revoke: missing(has, wants), authorize: missing(wants, has) };
}

function permission({ protocol, from, to, kind, peer, description }: Atom, group: string): IpPermission {
  const text = description ? { Description: description } : {};
  const ports = protocol === "-1" ? {} : { FromPort: from, ToPort: to };
  const peers: Record<Atom["kind"], IpPermission> = {
    cidr: { IpRanges: [{ CidrIp: peer, ...text }] },
    cidr6: { Ipv6Ranges: [{ CidrIpv6: peer, ...text }] },
    list: { PrefixListIds: [{ PrefixListId: peer, ...text }] },
    group: { UserIdGroupPairs: [{ GroupId: peer, ...text }] },
    self: { UserIdGroupPairs: [{ GroupId: group, ...text }] },
  };
  return { IpProtocol: protocol, ...ports, ...peers[kind] };
}
