import { ExitCode, messageOf, UserError } from "../base/errors.js";
import type { Progress } from "../base/progress.js";
import { allSeats, later } from "../drivers/all-seats.js";
import { connect, type Driver, type Drivers, inventory, removeFound } from "../drivers/drivers.js";
import { type Found, removalOrder } from "../drivers/found.js";
import { type Endpoint, type Endpoints, endpointWords, sameEndpoint } from "../model/endpoint.js";
import { reporting, type StepEvent } from "../model/events.js";
import { EXPIRES_FILE, expiresFromMachine } from "../model/lifetime.js";
import { machineOf, type SeatId } from "../model/naming.js";
import { requireAccount } from "./account.js";
import { withSeatLock } from "./deploy-seat.js";
import { endOf, expiryInForce } from "./lifetime.js";
import { isClean, type Receipt, removeSeat } from "./remove-seat.js";
import { driversAt, driversToAsk, regionHere } from "./seat-drivers.js";
import { listSeats, owner, readRecord, type SeatRecord } from "./seat-record.js";

/** A seat on this host or in this state directory, and whether its time is up. */
export interface ReapSeat extends SeatId {
  owner: string | undefined;
  /** Whether this state directory has it. */
  known: boolean;
  /** The expiry in force, ISO 8601 or `never`; `undefined` where nothing tells. */
  expires: string | undefined;
  /** Who has something of it. */
  endpoints: readonly Endpoint[];
  /** `live`: its time is not up. `listed`: it is, but the seat is not ours to remove without being told so. */
  verdict: "live" | "expired" | "listed";
}

/** What is named like a seat's and belongs to none: its machine, which would carry the labels, is gone. */
export interface Orphan extends Found {
  /** `young`: somebody may be making the machine it belongs to just now. */
  verdict: "young" | "expired" | "listed";
}

export interface ReapScope {
  /** Also seats of ours that this state directory does not have, and orphans. */
  unknown: boolean;
  /** Also other owners'; implies `unknown`. */
  others: boolean;
}

/** How it went with one seat whose time was up. */
export interface Reaped extends ReapSeat {
  outcome: "removed" | "left" | "skipped" | "failed";
  receipt?: Receipt;
  /** Why it was skipped or failed. */
  why?: string;
}

/** How it went with one orphan. */
export interface ReapedOrphan extends Orphan {
  outcome: "removed" | "failed";
  /** Why it failed. */
  why?: string;
}

/** Milliseconds after which a disk without a machine is nobody's: an `up` that made it would long have gone on. */
const ORPHAN_AGE = 10 * 60_000;
/** Containers read at once, for what their own files say. */
const READERS = 16;

/**
 * Every seat and orphan there is, judged. Quick for hundreds: only what seems expired is looked into.
 *
 * @param chosen The daemons to ask beside those of the seats that are known here.
 * @param progress is told who did not answer.
 */
export async function survey(
  scope: ReapScope,
  chosen: Endpoints,
  now: number,
  progress: Progress,
): Promise<Survey> {
  const known = await listSeats();
  const records = await Promise.all(known.map((id) => readRecord(id).catch(() => undefined)));
  const { asked, silent } = await endpointsHere(records, chosen, progress);
  const { seats, orphans } = await allSeats(asked.map(connectTo), known);
  const recorded = new Map(known.map((id, i) => [key(id), records[i]]));
  const merged = seats.map((seat): ReapSeat & { things: Found[] } => {
    const record = recorded.get(key(seat));
    const { lab, seat: name, things } = seat;
    const expires = later(seat.expires, record && expiryInForce(record));
    const from = {
      lab,
      seat: name,
      owner: seat.owner ?? record?.owner,
      known: recorded.has(key(seat)),
      expires,
      endpoints: unique(things.flatMap(({ at }) => at ?? [])),
    };
    return { ...from, things, verdict: judge({ ...from, things }, scope, now) };
  });
  await askContainers(merged, scope, now);
  return {
    seats: merged.map(({ things: _, ...seat }) => seat),
    orphans: await judgeOrphans(orphans, scope, now),
    asked,
    silent,
  };
}

/** What became of everything that is there. */
export interface ReapResult {
  dryRun: boolean;
  asked: Endpoint[];
  /** See {@link Survey.silent}. */
  notAsked: Endpoint[];
  seats: (ReapSeat | Reaped)[];
  orphans: (Orphan | ReapedOrphan)[];
}

/** Removes every seat whose time is up, and what belongs to none; with `dryRun` it only looks. */
export const reap = (
  scope: ReapScope,
  { chosen, dryRun }: { chosen: Endpoints; dryRun: boolean },
): AsyncGenerator<StepEvent, ReapResult> =>
  reporting(async (steps) => {
    const note = (text: string): void => steps.note(text);
    const { seats, orphans, asked, silent } = await survey(scope, chosen, Date.now(), {
      update: () => {},
      note,
    });
    const result: ReapResult = { dryRun, asked, notAsked: silent, seats: [], orphans: [] };
    for (const seat of seats) {
      const due = !dryRun && seat.verdict === "expired";
      const id = { lab: seat.lab, seat: seat.seat };
      const title = `seat ${seat.seat} of lab ${seat.lab}: its time is up`;
      result.seats.push(
        due
          ? await steps.run({ step: "reap", title, seat: id }, (progress) =>
              reapSeat(seat, scope, chosen, progress),
            )
          : seat,
      );
    }
    const gone = await reapOrphans(dryRun ? [] : orphans.filter(({ verdict }) => verdict === "expired"));
    result.orphans = orphans.map(
      (orphan) => gone.find((g) => g.kind === orphan.kind && g.name === orphan.name) ?? orphan,
    );
    return result;
  });

/** What is there, who was asked for it, and who did not answer. */
export interface Survey {
  seats: ReapSeat[];
  orphans: Orphan[];
  asked: Endpoint[];
  /** Daemons that a seat known here uses, and regions of AWS. */
  silent: Endpoint[];
}

const unique = (endpoints: readonly Endpoint[]): Endpoint[] =>
  endpoints.filter((endpoint, i) => endpoints.findIndex((other) => sameEndpoint(other, endpoint)) === i);

const connectTo = (endpoint: Endpoint): Driver => connect(endpoint);

const key = ({ lab, seat }: SeatId): string => `${lab}/${seat}`;

/**
 * Whether a seat's time is up, and whether it is ours to remove. A guest can't be asked from outside when it ends; but
 * one that outlives its labels was given more time, as its own switch would have ended it. Pure.
 */
export function judge(
  seat: Pick<ReapSeat, "owner" | "known" | "expires"> & { things: readonly Pick<Found, "kind" | "state">[] },
  scope: ReapScope,
  now: number,
): ReapSeat["verdict"] {
  // What nothing tells the end of has none.
  if (seat.expires === undefined || !(endOf(seat.expires) <= now)) return "live";
  if (seat.known) return "expired";
  const outlives = seat.things.some(({ kind, state }) => kind === "domain" && state === "running");
  if (outlives && !seat.things.some(({ kind }) => kind === "container")) return "listed";
  return (seat.owner === owner() ? scope.unknown || scope.others : scope.others) ? "expired" : "listed";
}

/** Somebody else may have extended a seat: its container's own file knows, running or not. */
async function askContainers(
  seats: (ReapSeat & { things: Found[] })[],
  scope: ReapScope,
  now: number,
): Promise<void> {
  const doubtful = seats.filter((seat) => seat.verdict !== "live");
  const next = async (): Promise<void> => {
    for (let seat = doubtful.shift(); seat; seat = doubtful.shift()) {
      const container = seat.things.find((f) => f.kind === "container");
      if (container === undefined) continue;
      // One that is too broken to be read must still go: then what is known outside counts.
      const said =
        container.at?.kind === "docker"
          ? await connect(container.at)
              .readFile(container.id, EXPIRES_FILE)
              .catch(() => undefined)
          : undefined;
      seat.expires = later(seat.expires, expiresFromMachine(said ?? ""));
      seat.verdict = judge(seat, scope, now);
    }
  };
  await Promise.all(Array.from({ length: READERS }, next));
}

async function judgeOrphans(orphans: readonly Found[], scope: ReapScope, now: number): Promise<Orphan[]> {
  const young = new Set<string>();
  for (const disk of orphans.filter((found) => found.kind === "guest disk")) {
    const volume = disk.at?.kind === "libvirt" ? await connect(disk.at).disk(disk.id) : undefined;
    const changed = Number(volume?.find("target", "timestamps", "mtime")?.text ?? 0) * 1000;
    if (now - changed < ORPHAN_AGE) young.add(machineOf(disk.name));
  }
  const ours = scope.unknown || scope.others;
  return orphans.map((found) => ({
    ...found,
    verdict: young.has(machineOf(found.name)) ? "young" : ours ? "expired" : "listed",
  }));
}

/**
 * Who is here to be asked: the daemons of the seats that are known here, the chosen ones, and AWS in the regions that
 * seats rent in and in the one configured here. One that does not answer may have machines, and is named.
 */
async function endpointsHere(
  records: readonly (SeatRecord | undefined)[],
  chosen: Endpoints,
  progress: Progress,
): Promise<Pick<Survey, "asked" | "silent">> {
  const region = await regionHere();
  const own = records.flatMap((record) => record?.machines.map(({ endpoint }) => endpoint) ?? []);
  const aws: Endpoint[] = region === undefined ? [] : [{ kind: "ec2", region }];
  const [asked, silent]: [Endpoint[], Endpoint[]] = [[], []];
  await Promise.all(
    unique([...own, chosen.docker, chosen.libvirt, ...aws]).map(async (endpoint) => {
      try {
        await connect(endpoint).preflight();
        asked.push(endpoint);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        // Nobody promised that both daemons are on this machine.
        const needed = endpoint.kind === "ec2" || own.some((other) => sameEndpoint(other, endpoint));
        if (!needed) return;
        silent.push(endpoint);
        const why = [error.message, error.why].filter(Boolean).join(": ");
        progress.note(`${endpointWords(endpoint)} was not asked: ${why}`);
      }
    }),
  );
  return { asked, silent };
}

/**
 * Removes one seat whose time is up; looks once more, under its lock, whether it still is.
 *
 * @throws UserError (exit 130) when interrupted; every other failure is told in what it returns.
 */
export async function reapSeat(
  seat: ReapSeat,
  scope: ReapScope,
  chosen: Endpoints,
  progress: Progress,
): Promise<Reaped> {
  try {
    return await withSeatLock(seat, async () => {
      if (!(await isStillDue(seat, scope, chosen, progress)))
        return { ...seat, outcome: "skipped", why: "it has just been given more time" };
      const receipt = await removeSeat(
        seat,
        {
          byLabel: !seat.known,
          drivers: await driversOfSeat(seat, chosen),
          ...(seat.known || seat.owner === undefined ? {} : { owner: seat.owner }),
        },
        progress,
      );
      return { ...seat, outcome: isClean(receipt) ? "removed" : "left", receipt };
    });
  } catch (error) {
    if (error instanceof UserError && error.exitCode === ExitCode.interrupted) throw error;
    const locked = error instanceof UserError && error.exitCode === ExitCode.locked;
    const why = [messageOf(error), error instanceof UserError ? error.why : undefined]
      .filter(Boolean)
      .join(": ");
    return { ...seat, outcome: locked ? "skipped" : "failed", why };
  }
}

/** Whom to ask about a seat that is to go: those of its record; where there is none, those who have something of it. */
async function driversOfSeat(seat: ReapSeat, chosen: Endpoints): Promise<Drivers> {
  const regions = seat.endpoints.flatMap((endpoint) => (endpoint.kind === "ec2" ? [endpoint.region] : []));
  if (seat.known) return (await driversToAsk(seat, { chosen, regions, clock: true })).drivers;
  for (const region of regions) await requireAccount(seat, region, { clock: true });
  return driversAt(seat.endpoints);
}

/** Others' seats are looked at anew from outside, as neither their record nor their lock is here. */
async function isStillDue(
  seat: ReapSeat,
  scope: ReapScope,
  chosen: Endpoints,
  progress: Progress,
): Promise<boolean> {
  if (seat.known) {
    const record = await readRecord(seat).catch(() => undefined);
    return record === undefined || endOf(expiryInForce(record)) <= Date.now();
  }
  const { seats } = await survey(scope, chosen, Date.now(), progress);
  return (seats.find((other) => key(other) === key(seat))?.verdict ?? "expired") === "expired";
}

/** Removes orphans, users before what they use, and asks whether they are gone. */
export async function reapOrphans(orphans: readonly Orphan[]): Promise<ReapedOrphan[]> {
  const why = new Map<string, string>();
  for (const found of removalOrder(orphans)) {
    if (found.at === undefined) continue;
    await removeFound(found, driversAt([found.at])).catch((error: unknown) =>
      why.set(thing(found), messageOf(error)),
    );
  }
  const having = unique(orphans.flatMap(({ at }) => at ?? []));
  const left = new Set((await inventory(having.map(connectTo))).named.map(thing));
  return orphans.map((orphan) =>
    left.has(thing(orphan))
      ? { ...orphan, outcome: "failed", why: why.get(thing(orphan)) ?? "it is still there" }
      : { ...orphan, outcome: "removed" },
  );
}

const thing = ({ kind, name }: Found): string => `${kind} ${name}`;
