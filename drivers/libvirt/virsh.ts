import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { ExitCode, hasCode, UserError } from "../../base/errors.js";

/** The libvirt connection in force: TRILAB_LIBVIRT_URI, then LIBVIRT_DEFAULT_URI, then the local system one. */
export const libvirtUri = (): string =>
  process.env.TRILAB_LIBVIRT_URI || process.env.LIBVIRT_DEFAULT_URI || "qemu:///system";

export const libvirtIsLocal = (): boolean => !libvirtUri().includes("+");

/** What `virsh` said against doing something. `gone` when the thing asked about is not there. */
export class VirshError extends Error {
  readonly gone: boolean;
  constructor(args: readonly string[], stderr: string) {
    super(`virsh ${args.join(" ")}: ${stderr.trim()}`);
    // libvirt's error texts are untranslated under LC_ALL=C, and virsh has no other form for the error's code.
    this.gone =
      /not found|no domain with matching|no storage (pool|vol)|failed to get (domain|network|vol|pool)|Network not found/i.test(
        stderr,
      );
  }
}

/**
 * Runs one virsh command on the connection in force and returns its standard output.
 *
 * @throws VirshError when virsh refuses; UserError (exit 3) when there is no virsh or no libvirtd.
 */
export async function virsh(...args: string[]): Promise<string> {
  const result = await execa("virsh", ["--quiet", "--connect", libvirtUri(), ...args], {
    reject: false,
    env: { LC_ALL: "C" },
    stdin: "ignore",
    timeout: 120_000,
  });
  if (result.exitCode === 0) return result.stdout;
  const said = result.stderr || result.message || "";
  if (
    result.exitCode === undefined ||
    /failed to connect to the hypervisor|Failed to connect socket|Cannot recv data|End of file while reading/i.test(
      said,
    )
  ) {
    throw new UserError(`libvirt at ${libvirtUri()} does not answer`, {
      why: hasCode(result, "ENOENT") ? "there is no virsh" : said.trim().split("\n").slice(-2).join(" "),
      fix: "install and start it (trilab doctor --fix), or point LIBVIRT_DEFAULT_URI at another",
      exitCode: ExitCode.hostNotReady,
    });
  }
  throw new VirshError(args, said);
}

/** Like {@link virsh}, but `undefined` when the thing is not there. */
export async function virshIfThere(...args: string[]): Promise<string | undefined> {
  try {
    return await virsh(...args);
  } catch (error) {
    if (error instanceof VirshError && error.gone) return undefined;
    throw error;
  }
}

const lines = (text: string): string[] =>
  text
    .split("\n")
    .map((l) => l.trim())
    .filter(Boolean);

export const domainNames = async (): Promise<string[]> => lines(await virsh("list", "--all", "--name"));
export const networkNames = async (): Promise<string[]> => lines(await virsh("net-list", "--all", "--name"));
export const poolNames = async (): Promise<string[]> => lines(await virsh("pool-list", "--all", "--name"));

/** The state virsh gives a domain (`running`, `shut off`, …), or `undefined` when there is none of that name. */
export const domainState = async (name: string): Promise<string | undefined> =>
  (await virshIfThere("domstate", name))?.trim();

/** What runs a domain: `kvm`, or `qemu` for QEMU's own translator; `undefined` when there is none of that name. */
export async function domainType(name: string): Promise<string | undefined> {
  const xml = await virshIfThere("dumpxml", name);
  return xml === undefined ? undefined : xmlValue(xml, /^<domain [^>]*?type=['"](\w+)['"]/);
}

/**
 * The volumes of a pool, read from its directory anew; none when there is no such pool or it is inactive.
 *
 * @throws VirshError when libvirt refuses for another reason: "none" would then be a lie that costs somebody a disk.
 */
export async function volumeNames(pool: string): Promise<string[]> {
  try {
    await refreshPool(pool);
    return lines(await virsh("vol-list", pool)).map((line) => line.split(/\s{2,}/)[0] ?? line);
  } catch (error) {
    if (error instanceof VirshError && (error.gone || /is not active/.test(error.message))) return [];
    throw error;
  }
}

/** While a volume of the pool is made or filled, libvirt refuses to look: waits for that, a minute at most. */
async function refreshPool(pool: string): Promise<void> {
  for (const deadline = Date.now() + 60_000; ; await sleep(200)) {
    try {
      await virsh("pool-refresh", pool);
      return;
    } catch (error) {
      const busy = error instanceof VirshError && /asynchronous jobs running/.test(error.message);
      if (!busy || Date.now() > deadline) throw error;
    }
  }
}

/** The text of every first `<tag …>` or attribute match in a piece of libvirt's XML. Enough for reading one value. */
export const xmlValue = (xml: string, pattern: RegExp): string | undefined => pattern.exec(xml)?.[1];
