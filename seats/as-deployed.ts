import { stat } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { digest } from "../base/digest.js";
import { repoDir } from "../base/paths.js";
import type { Drivers } from "../drivers/drivers.js";
import { stateFingerprint } from "../engine/index.js";
import { seatPrefix } from "../model/naming.js";
import type { SeatSettings } from "../stacks/seat.js";
import type { Deployed, SeatRecord } from "./seat-record.js";

/**
 * What is there of a seat that was to be made with these settings, by digests: to be kept in its record after a
 * deployment, and compared with before the next.
 *
 * @returns `undefined` when no engine's run may be spared: something does not run, a daemon does not answer, the state
 * can't be read, or a part of the seat is rented, where only the engine looks.
 */
export async function deployedNow(
  record: SeatRecord,
  settings: SeatSettings,
  { docker, ec2, libvirt }: Drivers,
): Promise<Deployed | undefined> {
  if (ec2 !== undefined) return undefined;
  const found = await Promise.all([
    compiledAt(),
    stateFingerprint({ stack: seatPrefix(record) }),
    docker?.fingerprint(record) ?? "",
    libvirt?.fingerprint(record) ?? "",
  ]).catch(() => undefined); // Whatever it is, the engine's run tells it better.
  const [compiled, stack, ...daemons] = found ?? [];
  if (compiled === undefined || stack === undefined) return undefined;
  const known = daemons.flatMap((daemon) => (daemon === undefined ? [] : [daemon]));
  if (known.length < daemons.length) return undefined;
  return { settings: digest([compiled, record.machines, settings]), ...stack, daemons: known };
}

/** Whether a seat is as the last `up` left it, all of it running: another has nothing to do. Pure. */
export const isAsDeployed = (then: Deployed | undefined, now: Deployed | undefined): now is Deployed =>
  now !== undefined && isDeepStrictEqual(then, now);

/** When this program was compiled: another one may make the same settings into something else. */
const compiledAt = (): Promise<number | undefined> =>
  stat(join(repoDir, "dist/.tsbuildinfo")).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );
