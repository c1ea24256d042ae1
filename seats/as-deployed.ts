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
 * Digests of a seat's settings, of its state, and of what its daemons have of it. `up` stores them in the seat's record, and
 * the next `up` compares them.
 *
 * @returns `undefined` when the engine must run: something does not run, a daemon does not answer, the state can't be
 * read, or a part of the seat is rented. Only the engine looks at rented parts.
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
  ]).catch(() => undefined); // The engine reports the error better.
  const [compiled, stack, ...daemons] = found ?? [];
  if (compiled === undefined || stack === undefined) return undefined;
  const known = daemons.flatMap((daemon) => (daemon === undefined ? [] : [daemon]));
  if (known.length < daemons.length) return undefined;
  return { settings: digest([compiled, record.machines, settings]), ...stack, daemons: known };
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
