import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { ExitCode, messageOf, UserError } from "../base/errors.js";
import { asRoot, canBeRoot, isRoot, type RootOptions, which } from "../base/privilege.js";
import type { Progress } from "../base/progress.js";
import { scratchFolder } from "../base/scratch.js";
import type { Drivers } from "../drivers/drivers.js";
import { type Endpoint, isLocal } from "../model/endpoint.js";
import { BRIDGE_PREFIX, isBridgeName } from "../model/naming.js";
import { hasSystemd } from "./daemons.js";
import { clearScript, FIREWALL, type RuleSet, setScript, stands } from "./firewall.js";

/** Sets the firewall at boot, where systemd runs: containers and guests come back by themselves, its rules do not. */
export const UNIT = "trilab-seats-apart.service";
export const UNIT_FILE = `/etc/systemd/system/${UNIT}`;

/**
 * The unit's text, the whole script in it. A firewall that empties the tables when it starts goes first; the seats'
 * daemons come after.
 */
export const bootUnit = (
  script: string,
): string => `# Written by trilab, and removed by \`trilab images prune\` when no seat is left.
[Unit]
Description=Keep trilab's seats apart, and out of this host
After=nftables.service netfilter-persistent.service firewalld.service ufw.service
Before=docker.service libvirtd.service virtqemud.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -s
StandardInput=data
${script
  .trimEnd()
  .split("\n")
  .map((line) => `StandardInputText=${line.replaceAll("\\", "\\\\").replaceAll("%", "%%")}`)
  .join("\n")}

[Install]
WantedBy=multi-user.target
`;

/** Whether seats at these endpoints run on this machine, so that the firewall must stand here. */
export const seatsRunHere = (endpoints: readonly Endpoint[]): boolean =>
  endpoints.some((endpoint) => endpoint.kind !== "ec2" && isLocal(endpoint));

/** Whether the firewall stands; `undefined` where only root could tell, and this is not root. */
export async function seatsAreApart(unitFile = UNIT_FILE): Promise<boolean | undefined> {
  if (which("iptables-save") === undefined) return undefined;
  const saved = await Promise.all(
    FIREWALL.filter(hasTable).map(async (set) => ({ set, rules: await rulesOf(set) })),
  );
  if (saved.every(({ rules }) => rules !== undefined))
    return saved.every(({ set, rules = "" }) => stands(set, rules));
  // Everybody may read the unit, and ask whether it has set its rules since boot.
  if (!(await unitIsCurrent(unitFile))) return undefined;
  const unit = await execa("systemctl", ["is-active", "--quiet", UNIT], { reject: false });
  return unit.exitCode === 0 ? true : undefined;
}

/** A kernel without IPv6 has no tables for it. */
const hasTable = ({ program }: RuleSet): boolean =>
  program === "iptables" || existsSync("/proc/sys/net/ipv6");

/** The rules of a set's table; `undefined` where only root may see them, and sudo would ask for a password. */
async function rulesOf({ program }: RuleSet): Promise<string | undefined> {
  const save = which(`${program}-save`) ?? `${program}-save`;
  const sudo = isRoot() ? [] : ["sudo", "-n"];
  const [command = save, ...args] = [...sudo, save, "-t", "mangle"];
  const result = await execa(command, args, { reject: false });
  if (result.exitCode === 0) return result.stdout;
  return isRoot() ? "" : undefined;
}

const unitIsCurrent = async (file = UNIT_FILE): Promise<boolean> =>
  (await readFile(file, "utf8").catch(() => "")) === bootUnit(setScript());

/** Sets the firewall, and sees to it that it is set again at boot. */
export async function keepSeatsApart(
  progress: Progress,
  options: Pick<RootOptions, "ask"> = {},
): Promise<void> {
  const apart = await seatsAreApart();
  if (hasSystemd()) {
    const written = await unitIsCurrent();
    if (apart === true && written) return;
    if (!written) await writeUnit(bootUnit(setScript()), options);
    await asRoot("systemctl", ["enable", UNIT], options);
    await asRoot("systemctl", ["restart", UNIT], options);
  } else {
    if (apart === true) return;
    await runScript(setScript(), options);
  }
  progress.note("seats are kept apart, and out of this host: iptables rules for their bridges");
}

async function runScript(script: string, options: RootOptions): Promise<void> {
  try {
    await asRoot("sh", ["-c", script], options);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError("the rules that keep seats apart can't be set", {
      why: error.why ?? error.message,
      fix:
        options.ask === false || !canBeRoot()
          ? "as root, or where sudo may ask for a password: trilab doctor --fix"
          : "load what they need of the kernel, as root: modprobe -a xt_rpfilter xt_addrtype xt_conntrack xt_comment",
      exitCode: ExitCode.hostNotReady,
    });
  }
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

/** Takes the firewall away again, and the unit, once no seat is left on the host. Never asks for a password. */
export async function forgetIsolation(drivers: Drivers, progress: Progress): Promise<void> {
  if (await seatsMayBeLeft(drivers)) return;
  const quietly = { ask: false };
  try {
    if (existsSync(UNIT_FILE)) {
      await asRoot("systemctl", ["disable", "--now", UNIT], quietly);
      await asRoot("rm", ["-f", UNIT_FILE], quietly);
      await asRoot("systemctl", ["daemon-reload"], quietly);
    }
    if (which("iptables") !== undefined) await runScript(clearScript(), quietly);
  } catch (error) {
    progress.note(`the rules that kept seats apart stay: ${messageOf(error)}`);
  }
}

/** Interfaces of this host that are no seat's bridge, and that the firewall takes for one by their names. */
export const takenForSeats = async (folder = "/sys/class/net"): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).filter(
    (name) => name.startsWith(BRIDGE_PREFIX) && !isBridgeName(name),
  );

/** Any owner's seat has a network of its own in each daemon it uses. A daemon that does not answer may have some. */
async function seatsMayBeLeft({ docker, libvirt }: Drivers): Promise<boolean> {
  const answers = await Promise.all(
    [docker, libvirt].map(
      async (driver) => driver?.isLocal === true && (await driver.hasSeatNetworks().catch(() => true)),
    ),
  );
  return answers.includes(true);
}
