import { execa } from "execa";
import type { Progress } from "../base/progress.js";
import { SEATS_CIDR } from "../components/helpers/cidr.js";
import { asRoot, isRoot, which } from "./privilege.js";

/**
 * Docker lets containers out to anywhere, libvirt's networks among it, whatever libvirt's own rules say: whose rule comes
 * first is chance. So what one seat's machine sends to another's is dropped in the mangle table, which is passed before
 * both and touched by neither.
 */
const RULE = [
  "FORWARD",
  "-s",
  SEATS_CIDR,
  "-d",
  SEATS_CIDR,
  "-m",
  "comment",
  "--comment",
  "trilab",
  "-j",
  "DROP",
];
const iptables = (action: "-A" | "-C" | "-D"): string[] => ["-w", "10", "-t", "mangle", action, ...RULE];

/** Whether the rule stands; `undefined` where only root could tell, and this is not root. */
export async function seatsAreApart(): Promise<boolean | undefined> {
  const command = which("iptables");
  if (command === undefined) return undefined;
  const [program, ...before] = isRoot() ? [command] : ["sudo", "-n", command];
  const result = await execa(program ?? command, [...before, ...iptables("-C")], { reject: false });
  if (result.exitCode === 0) return true;
  return isRoot() || /Bad rule|does a matching rule exist/.test(result.stderr ?? "") ? false : undefined;
}

export async function keepSeatsApart(progress: Progress): Promise<void> {
  if ((await seatsAreApart()) === true) return;
  await asRoot("iptables", iptables("-A"));
  progress.note("seats are kept apart: one iptables rule in the mangle table");
}

/** Takes the rule away again, once no seat is left on the host. */
export async function forgetIsolation(): Promise<void> {
  if ((await seatsAreApart()) === true) await asRoot("iptables", iptables("-D"));
}
