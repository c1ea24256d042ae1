import { UserError } from "../base/errors.js";
import { expiresInMachine, LIFETIME_PROGRAM } from "../model/lifetime.js";
import type { Target } from "../model/naming.js";
import { expiryInForce } from "./lifetime.js";
import { openEnvironment } from "./open-target.js";
import type { SeatRecord } from "./seat-record.js";
import { ClockExchange, readSetClock } from "./set-clock.js";

/** Sets the expiry first: with the right clock, an old one would end the machine. */
const SCRIPT = `"$1" set "$2" || exit
[ "$3" = clock ] || exit 0
set_clock`;

/**
 * Waits for the first answer of a machine that has just started from an older disk or memory, and sets its expiry and its
 * clock: with one call, because under emulation an SSH handshake alone takes over a second.
 *
 * @param options.waitMs How long it may take to answer.
 * @throws UserError when it does not answer, or does not take them.
 */
export async function setClockAndExpiry(
  record: SeatRecord,
  target: Target,
  options: { waitMs: number; tell: (text: string) => void },
): Promise<void> {
  const environment = await openEnvironment(record, target);
  const expires = expiresInMachine(expiryInForce(record));
  // A container has its host's clock.
  const words = [LIFETIME_PROGRAM, expires, target === "container" ? "" : "clock"];
  const { result } = await environment.firstAnswer(
    ["sh", "-c", `${await readSetClock()}${SCRIPT}`, "sh", ...words],
    { root: true, input: "", reply: new ClockExchange().reply, tell: options.tell },
    options.waitMs,
  );
  if (result.exitCode === 0) return;
  throw new UserError(`${environment.name} did not take its expiry and its clock`, {
    why: result.stderr.trim() || `the command ended with ${result.exitCode}`,
    fix: "look at it with `trilab ssh`; `trilab up` tries it again",
  });
}
