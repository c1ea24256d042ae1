import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { ExitCode, UserError } from "../base/errors.js";
import type { Environment } from "../drivers/environment.js";
import { parseTarget } from "../labs/targets.js";
import { MAX_SEAT_LENGTH, type SeatId } from "../model/naming.js";
import type { SeatRecord } from "../seats/seat-record.js";

// Every command imports this file, so heavy modules are imported inside: `trilab --help` loads none.

/** The lab that a newcomer gets. */
export const DEFAULT_LAB = "first-boot";

/** `TRILAB_SEAT`, else the login name as a DNS label. */
export function defaultSeat(): string {
  if (process.env.TRILAB_SEAT) return process.env.TRILAB_SEAT;
  const name = userInfo()
    .username.toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return name.slice(0, MAX_SEAT_LENGTH).replace(/-+$/, "") || "me";
}

/** A lab's name from what a user typed: a name, or the path of its folder. */
export const labName = (nameOrPath: string): string =>
  nameOrPath.replace(/\/+$/, "").split("/").at(-1) ?? nameOrPath;

/** The seats that fit what was given; none given: all. */
export async function matchingSeats(lab: string | undefined, seat: string | undefined): Promise<SeatId[]> {
  const { listSeats } = await import("../seats/seat-record.js");
  const seats = await listSeats();
  return seats.filter(
    (s) => (lab === undefined || s.lab === labName(lab)) && (seat === undefined || s.seat === seat),
  );
}

/**
 * The one seat that is meant: by what was given, and of several the caller's own.
 *
 * @throws UserError: exit 6 when there is none, exit 2 when there are several.
 */
export async function resolveSeat(lab: string | undefined, seat: string | undefined): Promise<SeatRecord> {
  const seats = await matchingSeats(lab, seat);
  const own = seats.filter((s) => s.seat === defaultSeat());
  const [only, second] = seats.length > 1 && own.length === 1 ? own : seats;
  if (only === undefined) throw noSeat(lab, seat);
  if (second !== undefined) {
    throw new UserError("several seats fit", {
      why: seats.map((s) => `lab ${s.lab}, seat ${s.seat}`).join("\n"),
      fix: "name one: --lab LAB --seat SEAT",
      exitCode: ExitCode.usage,
    });
  }
  const { readRecord } = await import("../seats/seat-record.js");
  const record = await readRecord(only);
  if (record === undefined) throw noSeat(lab, seat);
  return record;
}

/**
 * Where the lab of a seat lies: the folder it was made from, or, where that is gone (a checkout moved), the registered
 * lab of the same name. What neither has, `loadLab` explains.
 */
export async function labOf(record: SeatRecord): Promise<string> {
  if (existsSync(join(record.labDir, "lab.yaml"))) return record.labDir;
  const { labNames } = await import("../labs/define-lab.js");
  return (await labNames()).includes(record.lab) ? record.lab : record.labDir;
}

/** The seat that a bare `up` means: one that is there, else the newcomer's. */
export async function meantSeat(
  lab: string | undefined,
  seat: string | undefined,
): Promise<{ lab: string; seat: string }> {
  if (lab !== undefined && seat !== undefined) return { lab, seat };
  const own = seat ?? defaultSeat();
  if (lab !== undefined) return { lab, seat: own };
  const there = (await matchingSeats(undefined, own)).map((s) => s.lab);
  if (there.length !== 1 || there[0] === undefined) return { lab: DEFAULT_LAB, seat: own };
  const { readRecord } = await import("../seats/seat-record.js");
  const record = await readRecord({ lab: there[0], seat: own });
  return { lab: record ? await labOf(record) : there[0], seat: own };
}

/** What was named is not here. */
export function noSeat(lab: string | undefined, seat: string | undefined): UserError {
  const wanted = [lab && `of lab "${lab}"`, seat && `named "${seat}"`].filter(Boolean).join(" ");
  return new UserError(`there is no seat${wanted ? ` ${wanted}` : ""}`, {
    why: "nothing of that name is up here",
    fix: "see what there is: trilab status; or bring one up: trilab up",
    exitCode: ExitCode.notFound,
  });
}

/** The environment of a seat's target. @throws UserError (exit 6) when the seat has no such target. */
export async function environmentOf(record: SeatRecord, word: string): Promise<Environment> {
  const target = parseTarget(word);
  if (record.targets.includes(target)) {
    const { openEnvironment } = await import("../seats/open.js");
    return openEnvironment(record, target);
  }
  throw new UserError(`seat "${record.seat}" has no ${target}`, {
    why: `it has: ${record.targets.join(", ")}`,
    fix: `add it: trilab up ${record.lab} --seat ${record.seat} --on ${target}`,
    exitCode: ExitCode.notFound,
  });
}
