import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { basename, join, resolve } from "node:path";
import { ExitCode, UserError } from "../base/errors.js";
import { isFolderPath } from "../base/paths.js";
import type { Environment } from "../drivers/environment.js";
import { parseTarget } from "../labs/targets.js";
import { dnsLabel, MAX_SEAT_LENGTH, type SeatId, type Target } from "../model/naming.js";
import type { SeatRecord } from "../seats/seat-record.js";

// Every command imports this file, so heavy modules are imported in the functions: `trilab --help` loads none.

/** The lab of a first `up`. */
export const DEFAULT_LAB = "first-boot";

/** `TRILAB_SEAT`, else the login name as a DNS label. */
export function defaultSeat(): string {
  if (process.env.TRILAB_SEAT) return process.env.TRILAB_SEAT;
  return dnsLabel(userInfo().username, MAX_SEAT_LENGTH) || "me";
}

/** A lab's name, from a name or the path of its folder. */
export const labName = (nameOrPath: string): string =>
  isFolderPath(nameOrPath) ? basename(resolve(nameOrPath)) : nameOrPath;

/** The seats that match what was given; all if nothing was given. */
export async function matchingSeats(lab: string | undefined, seat: string | undefined): Promise<SeatId[]> {
  const { listSeats } = await import("../seats/seat-record.js");
  const seats = await listSeats();
  return seats.filter(
    (s) => (lab === undefined || s.lab === labName(lab)) && (seat === undefined || s.seat === seat),
  );
}

/** The only matching seat, or the caller's own among several. @throws UserError (exit 2) when that is not exactly one. */
function onlySeat(seats: readonly SeatId[]): SeatId | undefined {
  const own = seats.filter((s) => s.seat === defaultSeat());
  const [only, second] = seats.length > 1 && own.length === 1 ? own : seats;
  if (second === undefined) return only;
  throw new UserError("several seats match", {
    why: seats.map((s) => `lab ${s.lab}, seat ${s.seat}`).join("\n"),
    fix: "choose one with the lab and --seat",
    exitCode: ExitCode.usage,
  });
}

/**
 * The seat that matches what was given; the caller's own among several.
 *
 * @throws UserError: exit 6 when there is none, exit 2 when there are several.
 */
export async function resolveSeat(lab: string | undefined, seat: string | undefined): Promise<SeatRecord> {
  const only = onlySeat(await matchingSeats(lab, seat));
  if (only === undefined) throw noSeat(lab, seat);
  const { readRecord } = await import("../seats/seat-record.js");
  const record = await readRecord(only);
  if (record === undefined) throw noSeat(lab, seat);
  return record;
}

/**
 * The folder of a seat's lab: the one it was made from, or, if that is gone (a moved checkout), the registered
 * lab of the same name. If both are missing, `loadLab` reports it.
 */
export async function labOf(record: Pick<SeatRecord, "lab" | "labDir">): Promise<string> {
  if (existsSync(join(record.labDir, "lab.yaml"))) return record.labDir;
  const { labNames } = await import("../labs/load-lab.js");
  return (await labNames()).includes(record.lab) ? record.lab : record.labDir;
}

/** The seat for `up`: if no lab is given, the existing one, else one of the default lab. */
export async function meantSeat(
  lab: string | undefined,
  seat: string | undefined,
): Promise<{ lab: string; seat: string }> {
  if (lab !== undefined) return { lab, seat: seat ?? defaultSeat() };
  const there = onlySeat(await matchingSeats(undefined, seat));
  if (there === undefined) return { lab: DEFAULT_LAB, seat: seat ?? defaultSeat() };
  const { readRecord } = await import("../seats/seat-record.js");
  const record = await readRecord(there);
  return { lab: record ? await labOf(record) : there.lab, seat: there.seat };
}

/** The error for a seat that does not exist. */
export function noSeat(lab: string | undefined, seat: string | undefined): UserError {
  const wanted = [lab && `of lab "${lab}"`, seat && `named "${seat}"`].filter(Boolean).join(" ");
  return new UserError(`there is no seat${wanted ? ` ${wanted}` : ""}`, {
    why: "no seat of that name is up here",
    fix: "list the seats: trilab status; or start one: trilab up",
    exitCode: ExitCode.notFound,
  });
}

/** The target of a seat that has only one. @throws UserError (exit 2) when it has several. */
export function onlyTarget({ machines, seat }: SeatRecord): Target {
  const [only, second] = machines;
  if (only !== undefined && second === undefined) return only.target;
  throw new UserError(`seat "${seat}" has several targets`, {
    why: `they are: ${machines.map(({ target }) => target).join(", ")}`,
    fix: `name one: trilab ssh ${only?.target ?? "container"}`,
    exitCode: ExitCode.usage,
  });
}

/** A target of a seat, by its name. @throws UserError: exit 2 for a name that is none, exit 6 when the seat has no such target. */
export async function requireTarget(record: SeatRecord, word: string): Promise<Target> {
  const target = parseTarget(word);
  const { targetsOf } = await import("../seats/seat-record.js");
  if (targetsOf(record).includes(target)) return target;
  throw new UserError(`seat "${record.seat}" has no ${target}`, {
    why: `it has: ${targetsOf(record).join(", ")}`,
    fix: `add it: trilab up ${record.lab} --seat ${record.seat} --on ${target}`,
    exitCode: ExitCode.notFound,
  });
}

/** The environment of a seat's target. @throws UserError as {@link requireTarget} does. */
export async function environmentOf(record: SeatRecord, word: string): Promise<Environment> {
  const target = await requireTarget(record, word);
  const { openEnvironment } = await import("../seats/open-target.js");
  return openEnvironment(record, target);
}

/**
 * As {@link environmentOf}, for what only a running machine can do.
 *
 * @throws UserError when it does not run, or its daemon does not answer.
 */
export async function runningEnvironmentOf(record: SeatRecord, word: string): Promise<Environment> {
  const target = await requireTarget(record, word);
  const { isRented, openTarget } = await import("../seats/open-target.js");
  const { machineOf } = await import("../seats/seat-record.js");
  const rented = isRented(record, target);
  const known = machineOf(record, target);
  // The address of a rented machine that is stopped may be somebody else's by now.
  if (!(rented && known?.stopped !== undefined)) {
    const { environment, machine } = await openTarget(record, target);
    if (await machine.running()) return environment;
  }
  throw await notRunning(record, target, rented);
}

/** Why a target does not run, and what starts it. */
async function notRunning(record: SeatRecord, target: Target, rented: boolean): Promise<UserError> {
  const { machineOf } = await import("../seats/seat-record.js");
  const { endOf, expiryInForce } = await import("../seats/lifetime.js");
  const { moment, timeLeft } = await import("./time-left.js");
  const expires = expiryInForce(record);
  const over = endOf(expires) <= Date.now();
  const itsTime = `its time was up ${timeLeft(expires)}`;
  const up = `trilab up ${record.lab} --seat ${record.seat}`;
  const stopped = machineOf(record, target)?.stopped;
  const which = `the ${target} of seat "${record.seat}"`;
  if (stopped !== undefined) {
    return new UserError(`${which} is stopped`, {
      why: [`it was stopped at ${moment(stopped)}`, ...(over ? [itsTime] : [])].join("; "),
      fix: over
        ? `give it more time: ${up}`
        : `start it: trilab start ${target} --lab ${record.lab} --seat ${record.seat}`,
    });
  }
  return new UserError(`${which} ${rented ? "does not answer" : "is not running"}`, {
    why: over
      ? itsTime
      : rented
        ? "it has ended, or its firewall allows another address than yours"
        : "it has ended, or was stopped by other means than trilab stop",
    fix: rented ? `${up}; with a new address of yours: ${up} --ssh-from ADDRESS` : `start it: ${up}`,
  });
}
