import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { messageOf } from "../base/errors.js";
import { asRoot, isRoot, type RootOptions, which } from "../base/privilege.js";
import type { Progress } from "../base/progress.js";
import { scratchFolder } from "../base/scratch.js";
import { dockerClient, dockerIsLocal, requireDocker } from "../drivers/docker/client.js";
import type { Sources } from "../drivers/inventory.js";
import { libvirtIsLocal, networkNames } from "../drivers/libvirt/virsh.js";
import { SEATS_CIDR } from "../model/cidr.js";
import { hasSystemd } from "./daemons.js";

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

/** Puts the rule back at boot, where systemd runs: containers and guests come back by themselves, the rule does not. */
const UNIT = "trilab-seats-apart.service";
const UNIT_FILE = `/etc/systemd/system/${UNIT}`;

/** The unit's text. A firewall that empties the tables when it starts goes first; the seats' daemons come after. */
export const bootUnit = (
  command: string,
): string => `# Written by trilab, and removed by \`trilab images prune\` when no seat is left.
[Unit]
Description=Keep trilab's seats apart
After=nftables.service netfilter-persistent.service firewalld.service ufw.service
Before=docker.service libvirtd.service virtqemud.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStartPre=-${[command, ...iptables("-D")].join(" ")}
ExecStart=${[command, ...iptables("-A")].join(" ")}

[Install]
WantedBy=multi-user.target
`;

/** Whether seats of these sources run on this machine, so that the rule must stand here. */
export const seatsRunHere = (sources: Sources): boolean =>
  (sources.docker && dockerIsLocal()) || (sources.libvirt && libvirtIsLocal());

/** Whether the rule stands; `undefined` where only root could tell, and this is not root. */
export async function seatsAreApart(): Promise<boolean | undefined> {
  const command = which("iptables");
  if (command === undefined) return undefined;
  const [program, ...before] = isRoot() ? [command] : ["sudo", "-n", command];
  const result = await execa(program ?? command, [...before, ...iptables("-C")], { reject: false });
  if (result.exitCode === 0) return true;
  if (isRoot() || /Bad rule|does a matching rule exist/.test(result.stderr ?? "")) return false;
  // Everybody may ask whether the unit that sets the rule has done so since boot.
  const unit = await execa("systemctl", ["is-active", "--quiet", UNIT], { reject: false });
  return unit.exitCode === 0 ? true : undefined;
}

/** Sets the rule, and sees to it that it is set again at boot. */
export async function keepSeatsApart(
  progress: Progress,
  options: Pick<RootOptions, "ask"> = {},
): Promise<void> {
  const apart = await seatsAreApart();
  if (hasSystemd()) {
    const text = bootUnit(which("iptables") ?? "/usr/sbin/iptables");
    const written = (await readFile(UNIT_FILE, "utf8").catch(() => "")) === text;
    if (apart === true && written) return;
    if (!written) await writeUnit(text, options);
    await asRoot("systemctl", ["enable", UNIT], options);
    await asRoot("systemctl", ["restart", UNIT], options);
  } else {
    if (apart === true) return;
    // Where nobody could tell, it may stand already.
    if (apart === undefined) await asRoot("iptables", iptables("-D"), options).catch(() => {});
    await asRoot("iptables", iptables("-A"), options);
  }
  progress.note("seats are kept apart: one iptables rule in the mangle table");
}

async function writeUnit(text: string, options: RootOptions): Promise<void> {
  const folder = await scratchFolder("unit");
  try {
    await writeFile(join(folder, UNIT), text);
    await asRoot("install", ["-m", "644", join(folder, UNIT), UNIT_FILE], options);
    await asRoot("systemctl", ["daemon-reload"], options);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Takes the rule away again, and the unit, once no seat is left on the host. Never asks for a password. */
export async function forgetIsolation(progress: Progress): Promise<void> {
  if (await seatsMayBeLeft()) return;
  const quietly = { ask: false };
  try {
    if (existsSync(UNIT_FILE)) {
      await asRoot("systemctl", ["disable", "--now", UNIT], quietly);
      await asRoot("rm", ["-f", UNIT_FILE], quietly);
      await asRoot("systemctl", ["daemon-reload"], quietly);
    }
    if ((await seatsAreApart()) === true) await asRoot("iptables", iptables("-D"), quietly);
  } catch (error) {
    progress.note(`the rule that kept seats apart stays: ${messageOf(error)}`);
  }
}

/** Any owner's seat has a network of its own in each daemon it uses. One that does not answer may have some. */
async function seatsMayBeLeft(): Promise<boolean> {
  const left = async (command: string, ask: () => Promise<boolean>): Promise<boolean> =>
    which(command) !== undefined && (await ask().catch(() => true));
  const answers = await Promise.all([
    left("docker", async () => {
      await requireDocker();
      const networks = await dockerClient().listNetworks({ filters: { label: ["trilab.owner"] } });
      return networks.length > 0;
    }),
    left("virsh", async () => (await networkNames()).some((name) => name.startsWith("trilab-"))),
  ]);
  return answers.includes(true);
}
