import { ExitCode, messageAndWhy, UserError } from "../base/errors.js";
import { type Progress, silent as quietly } from "../base/progress.js";
import { allSeats, later } from "../drivers/all-seats.js";
import { statusOf } from "../drivers/docker/connect.js";
import { connect, type Driver, type Drivers, inventory, removeFound } from "../drivers/drivers.js";
import { type Found, removalOrder } from "../drivers/found.js";
import {
  type Endpoint,
  type Endpoints,
  endpointsWords,
  endpointWords,
  isLocal,
  sameEndpoint,
} from "../model/endpoint.js";
import { reporting, type StepEvent } from "../model/events.js";
import { EXPIRES_FILE, expiresFromMachine } from "../model/lifetime.js";
import { machineOf, type SeatId } from "../model/naming.js";
import { requireAccount } from "./account.js";
import { driversToAsk, regionHere } from "./daemons-to-search.js";
import { withSeatLock } from "./deploy-seat.js";
import { endOf, expiryInForce } from "./lifetime.js";
import { isClean, type Receipt } from "./receipt.js";
import { removeSeat } from "./remove-seat.js";
import { driversAt } from "./seat-drivers.js";
import { listSeats, owner, readRecord, type SeatRecord } from "./seat-record.js";

/** A seat on this host or in this state directory, and whether its time is up. */
export interface ReapSeat extends SeatId {
  owner: string | undefined;
  /** Whether this state directory has its record and it can be read. */
  known: boolean;
  /** The effective expiry, ISO 8601 or `never`; `undefined` if it is unknown. */
  expires: string | undefined;
  /** The endpoints that have something of it. */
  endpoints: readonly Endpoint[];
  /**
   * `live`: its time is not up. `listed`: its time is up, but it is removed only on request. `unsure`: its time seems to be up, but
   * its daemon does not tell whether it was extended.
   */
  verdict: "live" | "expired" | "listed" | "unsure";
}

/** Something with a seat's name but without its machine, which would carry the labels. */
export interface Orphan extends Found {
  /** `young`: its machine may be in creation. */
  verdict: "young" | "expired" | "listed";
}

export interface ReapScope {
  /** Also remove our seats without a record in this state directory, and orphans. */
  unknown: boolean;
  /** Also remove other owners' seats; implies `unknown`. */
  others: boolean;
}

/** What happened to one seat whose time was up. */
export interface Reaped extends ReapSeat {
  outcome: "removed" | "left" | "skipped" | "failed";
  receipt?: Receipt;
  /** Why it was skipped or failed. */
  why?: string;
}

/** What happened to one orphan. */
export interface ReapedOrphan extends Orphan {
  outcome: "removed" | "failed";
  /** Why it failed. */
  why?: string;
}

/** Milliseconds after which a disk without a machine is an orphan: an `up` in progress would have made its machine by then. */
const ORPHAN_AGE = 10 * 60_000;
/** How many containers' expiry files are read at once. */
const READERS = 16;

/**
 * Every seat and orphan, with a verdict. Quick for hundreds: only machines that seem expired are read.
 *
 * @param chosen Daemons to query in addition to those of known seats.
 * @param progress Gets a note for each endpoint that did not answer.
 */
async function survey(scope: ReapScope, chosen: Endpoints, now: number, progress: Progress): Promise<Survey> {
  const known = await listSeats();
  const unreadable = new Map<string, unknown>();
  const records = await Promise.all(
    known.map((id) => readRecord(id).catch((error: unknown) => void unreadable.set(key(id), error))),
  );
  const { asked, silent } = await endpointsHere(records, chosen, progress);
  const { seats, orphans } = await allSeats(asked.map(connectTo), known);
  const recorded = new Map(known.map((id, i) => [key(id), records[i]]));
  const merged = seats.map((seat): ReapSeat & { things: Found[] } => {
    const record = recorded.get(key(seat));
    const problem = unreadable.get(key(seat));
    // A record that can't be read does not say that the seat was extended, so its labels don't decide alone.
    if (problem !== undefined)
      progress.note(
        `seat ${seat.seat} of lab ${seat.lab} is judged by its labels: ${messageAndWhy(problem)}`,
      );
    const { lab, prefix, seat: name, things } = seat;
    const expires = later(seat.expires, record && expiryInForce(record));
    const from = {
      lab,
      seat: name,
      ...(prefix === undefined ? {} : { prefix }),
      owner: seat.owner ?? record?.owner,
      known: record !== undefined,
      expires,
      endpoints: unique(things.flatMap(({ at }) => at ?? [])),
    };
    return { ...from, things, verdict: judge({ ...from, things }, scope, now) };
  });
  const unread = await askContainers(merged, scope, now, progress);
  return {
    seats: merged.map(({ things: _, ...seat }) => seat),
    orphans: await judgeOrphans(orphans, scope, now),
    asked,
    silent: unique([...silent, ...unread]),
  };
}

/** What happened to everything that was found. */
export interface ReapResult {
  dryRun: boolean;
  asked: Endpoint[];
  /** See {@link Survey.silent}. */
  notAsked: Endpoint[];
  seats: (ReapSeat | Reaped)[];
  orphans: (Orphan | ReapedOrphan)[];
}

/** Removes every seat whose time is up, and orphans; with `dryRun`, it only lists them. */
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
      const title = `seat ${seat.seat} of lab ${seat.lab}: it has expired`;
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

/** What was found, which endpoints were queried, and which did not answer. */
export interface Survey {
  seats: ReapSeat[];
  orphans: Orphan[];
  asked: Endpoint[];
  /** Daemons that a known seat uses, chosen daemons on other machines, and AWS regions. */
  silent: Endpoint[];
}

const unique = (endpoints: readonly Endpoint[]): Endpoint[] =>
  endpoints.filter((endpoint, i) => endpoints.findIndex((other) => sameEndpoint(other, endpoint)) === i);

const connectTo = (endpoint: Endpoint): Driver => connect(endpoint);

const key = ({ lab, seat }: SeatId): string => `${lab}/${seat}`;

/**
 * Whether a seat's time is up, and whether we may remove it. A guest's expiry can't be read from outside. But a guest
 * that outlives its labels was extended, because otherwise it would have stopped itself. Pure.
 */
export function judge(
  seat: Pick<ReapSeat, "owner" | "known" | "expires"> & { things: readonly Pick<Found, "kind" | "state">[] },
  scope: ReapScope,
  now: number,
): ReapSeat["verdict"] {
  // Without any known expiry, it has none.
  if (seat.expires === undefined || !(endOf(seat.expires) <= now)) return "live";
  if (seat.known) return "expired";
  const outlives = seat.things.some(({ kind, state }) => kind === "domain" && state === "running");
  if (outlives && !seat.things.some(({ kind }) => kind === "container")) return "listed";
  return (seat.owner === owner() ? scope.unknown || scope.others : scope.others) ? "expired" : "listed";
}

/**
 * Somebody else may have extended a seat: the expiry file in its container shows it, running or not.
 *
 * @returns the daemons that did not answer.
 */
async function askContainers(
  seats: (ReapSeat & { things: Found[] })[],
  scope: ReapScope,
  now: number,
  progress: Progress,
): Promise<Endpoint[]> {
  const silent: Endpoint[] = [];
  const doubtful = seats.filter((seat) => seat.verdict !== "live");
  const next = async (): Promise<void> => {
    for (let seat = doubtful.shift(); seat; seat = doubtful.shift()) {
      const container = seat.things.find((f) => f.kind === "container");
      if (container === undefined) continue;
      if (container.at?.kind !== "docker") continue;
      try {
        const said = await connect(container.at).readFile(container.id, EXPIRES_FILE);
        seat.expires = later(seat.expires, expiresFromMachine(said ?? ""));
        seat.verdict = judge(seat, scope, now);
      } catch (error) {
        // A container that can't be read must still be removed: then the labels count.
        if (statusOf(error) !== undefined) continue;
        seat.verdict = "unsure";
        silent.push(container.at);
        progress.note(
          `${endpointWords(container.at)} does not tell when seat ${seat.seat} of lab ${seat.lab} ends: ${messageAndWhy(error)}`,
        );
      }
    }
  };
  await Promise.all(Array.from({ length: READERS }, next));
  return silent;
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
 * The endpoints to query: the daemons of known seats, the chosen ones, and AWS in the regions in which seats rent and in
 * the configured one. Those that do not answer may have machines, and are reported.
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
        // This machine need not have both daemons. One on another machine was chosen by the user.
        const needed =
          endpoint.kind === "ec2" || !isLocal(endpoint) || own.some((other) => sameEndpoint(other, endpoint));
        if (!needed) return;
        silent.push(endpoint);
        progress.note(`${endpointWords(endpoint)} was not asked: ${messageAndWhy(error)}`);
      }
    }),
  );
  return { asked, silent };
}

/**
 * Removes one seat whose time is up, after checking that again under its lock.
 *
 * @throws UserError (exit 130) when interrupted; every other failure is in the result.
 */
async function reapSeat(
  seat: ReapSeat,
  scope: ReapScope,
  chosen: Endpoints,
  progress: Progress,
): Promise<Reaped> {
  try {
    return await withSeatLock(seat, async () => {
      const doubt = await whyNotDue(seat, scope, chosen);
      if (doubt !== undefined) return { ...seat, outcome: "skipped", why: doubt };
      const receipt = await removeSeat(
        seat,
        {
          byLabel: !seat.known,
          drivers: await driversOfSeat(seat, chosen),
          ...(seat.known || seat.owner === undefined ? {} : { owner: seat.owner }),
        },
        progress,
      );
      const others = seat.endpoints.filter(
        (endpoint) => !receipt.asked.some((asked) => sameEndpoint(asked, endpoint)),
      );
      if (others.length > 0) return { ...seat, outcome: "left", receipt, why: elsewhere(seat, others) };
      return { ...seat, outcome: isClean(receipt) ? "removed" : "left", receipt };
    });
  } catch (error) {
    if (error instanceof UserError && error.exitCode === ExitCode.interrupted) throw error;
    const locked = error instanceof UserError && error.exitCode === ExitCode.locked;
    return { ...seat, outcome: locked ? "skipped" : "failed", why: messageAndWhy(error) };
  }
}

/** Why it is not all removed. */
const elsewhere = ({ known }: ReapSeat, others: readonly Endpoint[]): string =>
  `${endpointsWords(others)} was not asked, and has a part of it: run it again${known ? " with --unknown" : ""}`;

/**
 * The endpoints to query about a seat to remove: those of its record, else those that have something of it; of these, one Docker
 * daemon and one libvirt daemon.
 */
async function driversOfSeat(seat: ReapSeat, chosen: Endpoints): Promise<Drivers> {
  const regions = seat.endpoints.flatMap((endpoint) => (endpoint.kind === "ec2" ? [endpoint.region] : []));
  if (seat.known) return (await driversToAsk(seat, { chosen, regions, clock: true })).drivers;
  for (const region of regions) await requireAccount(seat, region, { clock: true });
  return driversAt(seat.endpoints);
}

/**
 * Why a seat is not to be removed any more; `undefined`: it is. Others' seats are checked again from outside, because neither their
 * record nor their lock is here.
 */
async function whyNotDue(seat: ReapSeat, scope: ReapScope, chosen: Endpoints): Promise<string | undefined> {
  const extended = "it was just extended";
  if (seat.known) {
    const record = await readRecord(seat);
    return record === undefined || endOf(expiryInForce(record)) <= Date.now() ? undefined : extended;
  }
  // The first survey has reported the daemons that do not answer.
  const { seats } = await survey(scope, chosen, Date.now(), quietly);
  const now = seats.find((other) => key(other) === key(seat))?.verdict ?? "expired";
  if (now === "unsure") return "its daemon does not tell whether it was extended";
  return now === "expired" ? undefined : extended;
}

/** Removes orphans, users before what they use, and checks that they are gone. */
async function reapOrphans(orphans: readonly Orphan[]): Promise<ReapedOrphan[]> {
  const why = new Map<string, string>();
  for (const found of removalOrder(orphans)) {
    if (found.at === undefined) continue;
    await removeFound(found, driversAt([found.at])).catch((error: unknown) =>
      why.set(thing(found), messageAndWhy(error)),
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
