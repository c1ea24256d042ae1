import { UserError } from "../../base/errors.js";
import { LOCAL } from "../../model/endpoint.js";
import { type StepEvent, settled } from "../../model/events.js";
import { planSeat } from "../../seats/plan.js";
import { isClean } from "../../seats/receipt.js";
import { bringUpMany, type SeatEnd, takeDownMany } from "../../seats/seats-at-once.js";

/*
 * Brings containers of the lab first-boot up, or down, all in this process, for a test and for the bench:
 * `node many-seats.js up '{"seats": [{"seat": "a"}, {"seat": "b", "docker": "ssh://…"}]}'`.
 * Prints lines of JSON: each event, and at last how each seat ended.
 */

/** What the last argument may hold. */
export interface ManyRequest {
  /** `docker`: the daemon of a new seat; default: this machine's. */
  seats: readonly { seat: string; docker?: string }[];
  workers?: number;
  /** For `down`: a host that does not answer is gone for good. */
  hostGone?: boolean;
}

/** The last line. */
export interface ManyEnds {
  ends: {
    seat: string;
    state: SeatEnd<unknown>["state"];
    /** Of `up`: nothing had to be done. */
    unchanged?: boolean;
    /** Of `up`: as the lab says; of `down`: nothing is left. */
    fine?: boolean;
    /** Why it failed; `exitCode` of a UserError only. */
    error?: { message: string; why?: string | undefined; exitCode?: number };
  }[];
}

const LAB = "first-boot";
const print = (line: StepEvent | ManyEnds): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

async function up({ seats, workers }: ManyRequest): Promise<ManyEnds> {
  const plans = await Promise.all(
    seats.map(({ docker, seat }) =>
      planSeat({
        lab: LAB,
        seat,
        targets: ["container"],
        endpoints: docker ? { ...LOCAL, docker: { kind: "docker", host: docker } } : LOCAL,
      }),
    ),
  );
  const ends = await settled(bringUpMany(plans, { waitMs: 60_000, ...(workers ? { workers } : {}) }), print);
  return told(ends, ({ parity, unchanged }) => ({ unchanged, fine: parity.inTolerance }));
}

async function down({ hostGone = false, seats, workers }: ManyRequest): Promise<ManyEnds> {
  const ids = seats.map(({ seat }) => ({ lab: LAB, seat }));
  const options = { chosen: LOCAL, hostGone, ...(workers ? { workers } : {}) };
  const ends = await settled(takeDownMany(ids, options), print);
  return told(ends, (receipt) => ({ fine: isClean(receipt) }));
}

const told = <T>(
  ends: readonly SeatEnd<T>[],
  of: (result: T) => { unchanged?: boolean; fine: boolean },
): ManyEnds => ({
  ends: ends.map((end) => ({
    seat: end.seat,
    state: end.state,
    ...(end.state === "done" ? of(end.result) : {}),
    ...(end.state === "failed" ? { error: wordsOf(end.error) } : {}),
  })),
});

function wordsOf(error: unknown): NonNullable<ManyEnds["ends"][number]["error"]> {
  if (error instanceof UserError) return { message: error.message, why: error.why, exitCode: error.exitCode };
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

process.umask(0o077);
const [verb, request = "{}"] = process.argv.slice(2);
print(await (verb === "up" ? up : down)(JSON.parse(request) as ManyRequest));
process.exit();
