import { stat } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { digest } from "../base/digest.js";
import { repoDir } from "../base/paths.js";
import type { Drivers } from "../drivers/drivers.js";
import { stateFingerprint } from "../engine/index.js";
import { seatPrefix } from "../model/naming.js";
import type { SeatSettings } from "../stacks/seat.js";
import { type Deployed, readRecord, type SeatRecord, writeRecord } from "./seat-record.js";

/**
 * Digests of a seat's settings, of its state, and of what its daemons have of it. `up` stores them in the seat's record, and
 * the next `up` compares them.
 *
 * @returns `undefined` when the engine must run: something does not run, a daemon does not answer, the state can't be
 * read, or a part of the seat is rented. Only the engine looks at rented parts.
 */
export async function deployedNow(
  record: SeatRecord,
  settings: SeatSettings,
  drivers: Drivers,
): Promise<Deployed | undefined> {
  const [compiled, parts] = await Promise.all([compiledAt(), partsNow(record, drivers)]);
  if (compiled === undefined || parts === undefined) return undefined;
  // The file's path is another one for each instructor who shares the seat; its content is in the settings, too.
  const { hostKeyFile: _, ...same } = settings;
  return { settings: digest([compiled, record.machines, same]), ...parts };
}

/** Digests of what a seat's machines are, whatever its settings say. */
type Parts = Omit<Deployed, "settings">;

async function partsNow(record: SeatRecord, { docker, ec2, libvirt }: Drivers): Promise<Parts | undefined> {
  if (ec2 !== undefined) return undefined;
  const found = await Promise.all([
    stateFingerprint({ stack: seatPrefix(record) }),
    docker?.fingerprint(record) ?? "",
    libvirt?.fingerprint(record) ?? "",
  ]).catch(() => undefined); // The engine reports the error better.
  const [stack, ...daemons] = found ?? [];
  if (stack === undefined) return undefined;
  const known = daemons.flatMap((daemon) => (daemon === undefined ? [] : [daemon]));
  return known.length < daemons.length ? undefined : { ...stack, daemons: known };
}

/**
 * Runs a change of a seat's machines that the engine does not make. If the seat was as the last `up` left it, it counts as
 * that afterwards, too; if not, the engine looks at it at the next `up`. The caller holds the seat's lock.
 */
export async function keepDeployed<T>(
  record: SeatRecord,
  drivers: Drivers,
  change: () => Promise<T>,
): Promise<T> {
  const before = await partsNow(record, drivers);
  const result = await change();
  const { deployed, ...rest } = (await readRecord(record)) ?? record;
  if (deployed === undefined) return result;
  const { settings, ...parts } = deployed;
  const after = isDeepStrictEqual(parts, before) ? await partsNow(record, drivers) : undefined;
  await writeRecord(after === undefined ? rest : { ...rest, deployed: { settings, ...after } });
  return result;
}

/** Whether a seat is as the last `up` left it, with everything running. Then `up` has nothing to do. Pure. */
export const isAsDeployed = (then: Deployed | undefined, now: Deployed | undefined): now is Deployed =>
  now !== undefined && isDeepStrictEqual(then, now);

/** When this program was compiled: another one may make the same settings into something else. */
const compiledAt = (): Promise<number | undefined> =>
  stat(join(repoDir, "dist/.tsbuildinfo")).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );
