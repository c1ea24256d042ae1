import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { ExitCode, messageOf, UserError } from "../base/errors.js";
import { asRoot, canBeRoot, isRoot, type RootOptions, which } from "../base/privilege.js";
import type { Progress } from "../base/progress.js";
import { inScratchFolder } from "../base/scratch.js";
import { connect, type Drivers } from "../drivers/drivers.js";
import { type Endpoint, isLocal, LOCAL, sameEndpoint } from "../model/endpoint.js";
import { BRIDGE_PREFIX, isBridgeName } from "../model/naming.js";
import { clearScript, FIREWALL, type RuleSet, setScript, stands } from "./firewall-rules.js";
import { hasSystemd } from "./start-daemons.js";

/** The systemd unit that sets the firewall at boot: containers and guests start again by themselves, the rules do not. */
export const UNIT = "trilab-seats-apart.service";
export const UNIT_FILE = `/etc/systemd/system/${UNIT}`;

/**
 * The unit's text, which contains the whole script. It starts after firewalls that empty the tables, and before the seats'
 * daemons.
 */
export const bootUnit = (
  script: string,
): string => `# Written by trilab, and removed by \`trilab images prune\` when no seat is left.
[Unit]
Description=Block traffic between trilab seats and to this host
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

/** Whether seats at these endpoints run on this machine, so that it needs the firewall. */
export const seatsRunHere = (endpoints: readonly Endpoint[]): boolean =>
  endpoints.some((endpoint) => endpoint.kind !== "ec2" && isLocal(endpoint));

/** Whether the firewall is in place; `undefined` if only root could read it, and this is not root. */
export async function seatsAreApart(unitFile = UNIT_FILE): Promise<boolean | undefined> {
  if (which("iptables-save") === undefined) return undefined;
  const saved = await Promise.all(
    FIREWALL.filter(hasTable).map(async (set) => ({ set, rules: await rulesOf(set) })),
  );
  if (saved.every(({ rules }) => rules !== undefined))
    return saved.every(({ set, rules = "" }) => stands(set, rules));
  // Everybody may read the unit, and query whether it has run since boot.
  if (!(await unitIsCurrent(unitFile))) return undefined;
  const unit = await execa("systemctl", ["is-active", "--quiet", UNIT], { reject: false });
  return unit.exitCode === 0 ? true : undefined;
}

/** A kernel without IPv6 has no tables for it. */
const hasTable = ({ program }: RuleSet): boolean =>
  program === "iptables" || existsSync("/proc/sys/net/ipv6");

/** The rules of a set's table; `undefined` if only root may see them, and sudo would ask for a password. */
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

/** Sets the firewall, and makes sure that it is set again at boot. */
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
  progress.note("added iptables rules that block traffic between seats and to this host's services");
}

async function runScript(script: string, options: RootOptions): Promise<void> {
  try {
    await asRoot("sh", ["-c", script], options);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError("the iptables rules that block traffic between seats can't be set", {
      why: error.why ?? error.message,
      fix:
        options.ask === false || !canBeRoot()
          ? "run as root, or in a terminal in which sudo may ask for a password: trilab doctor --fix"
          : "load the kernel modules that they need, as root: modprobe -a xt_rpfilter xt_addrtype xt_conntrack xt_comment",
      exitCode: ExitCode.hostNotReady,
    });
  }
}

const writeUnit = (text: string, options: RootOptions): Promise<void> =>
  inScratchFolder("unit", async (folder) => {
    await writeFile(join(folder, UNIT), text);
    await asRoot("install", ["-m", "644", join(folder, UNIT), UNIT_FILE], options);
    await asRoot("systemctl", ["daemon-reload"], options);
  });

/** This machine, as {@link forgetIsolation} looks at it. */
const HERE = { daemons: [LOCAL.docker, LOCAL.libvirt], interfaces: "/sys/class/net" };

/**
 * Removes the firewall and the unit when no seat is left on this machine. Never asks for a password.
 *
 * @param drivers Daemons to query in addition to this machine's own; those on other machines don't count.
 */
export async function forgetIsolation(
  drivers: Drivers,
  progress: Progress,
  here: typeof HERE = HERE,
): Promise<void> {
  if (await seatsMayBeLeft(drivers, here)) return;
  const quietly = { ask: false };
  try {
    if (existsSync(UNIT_FILE)) {
      await asRoot("systemctl", ["disable", "--now", UNIT], quietly);
      await asRoot("rm", ["-f", UNIT_FILE], quietly);
      await asRoot("systemctl", ["daemon-reload"], quietly);
    }
    if (which("iptables") !== undefined) await runScript(clearScript(), quietly);
  } catch (error) {
    progress.note(`the iptables rules for seats were not removed: ${messageOf(error)}`);
  }
}

/** Interfaces of this host to which the firewall applies by their names, although they are not a seat's bridge. */
export const takenForSeats = async (folder = HERE.interfaces): Promise<string[]> =>
  (await interfacesIn(folder)).filter((name) => name.startsWith(BRIDGE_PREFIX) && !isBridgeName(name));

const interfacesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/**
 * Whether any owner's seat may be left on this machine: each has a bridge, and a network in its daemon. A daemon that does
 * not answer may have some.
 */
async function seatsMayBeLeft({ docker, libvirt }: Drivers, here: typeof HERE): Promise<boolean> {
  if ((await interfacesIn(here.interfaces)).some(isBridgeName)) return true;
  const chosen = [docker, libvirt].filter((driver) => driver?.isLocal === true);
  // The chosen daemons may be on other machines: this one's seats are in its own.
  const own = here.daemons
    .filter((daemon) => !chosen.some((driver) => driver && sameEndpoint(driver.endpoint, daemon)))
    // connect() has a type for each kind of daemon, and none for either.
    .map((daemon) => (daemon.kind === "docker" ? connect(daemon) : connect(daemon)));
  for (const driver of [...chosen, ...own])
    if (await driver?.hasSeatNetworks().catch(() => true)) return true;
  return false;
}
