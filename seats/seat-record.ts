import { readFile, rm } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import writeFileAtomic from "write-file-atomic";
import { ExitCode, hasCode, messageOf, UserError } from "../base/errors.js";
import { folderNames, namesIn } from "../base/files.js";
import { privateDir, stateDir } from "../base/paths.js";
import { thisMachine } from "../base/this-machine.js";
import { readCheckpoint, stackUnit } from "../engine/index.js";
import { type Ec2Endpoint, type Endpoint, hostOf, isLocal } from "../model/endpoint.js";
import { machineName, namedAsBefore, type SeatId, seatPrefix, type Target } from "../model/naming.js";
import { saveUnit, sharedNow } from "../shared/shared-state.js";
import type { Unit } from "../shared/unit.js";
import { recordSchema, type SeatMachine, type SeatRecord } from "./record-schema.js";
import { endpointsInState, migrated, recordV1Schema } from "./record-v1.js";

export type { Deployed, LabThen, SeatMachine, SeatRecord } from "./record-schema.js";

/** A seat's targets, in the order in which they were added. */
export const targetsOf = ({ machines }: Pick<SeatRecord, "machines">): Target[] =>
  machines.map(({ target }) => target);

/** The machine that realises a target; `undefined` when the seat has none. */
export const machineOf = (
  { machines }: Pick<SeatRecord, "machines">,
  target: Target,
): SeatMachine | undefined => machines.find((machine) => machine.target === target);

/** Where the seat rents its VPS; `undefined` when it rents nothing. */
export function rentedAt(record: Pick<SeatRecord, "machines">): Ec2Endpoint | undefined {
  const endpoint = machineOf(record, "vps")?.endpoint;
  return endpoint?.kind === "ec2" ? endpoint : undefined;
}

const SEATS = "seats";
const seatsDir = (): string => join(stateDir(), SEATS);
export const seatDir = (id: SeatId): string => join(seatsDir(), id.lab, id.seat);

/** What instructors share of a seat: its record, keys and journals, and its stack. */
export function seatUnit(id: SeatId): Unit {
  const { lab, seat } = id;
  const name = `${SEATS}/${lab}/${seat}`;
  const { lock, paths } = stackUnit(seatPrefix(id));
  return { name, lock, paths: [name, ...paths], own: ["known_hosts", "vps-seed.iso"] };
}

/** `user@host`: the owner of our seats, on a host that several people use. */
export const owner = (): string => `${userInfo().username}@${hostname()}`;

/**
 * A seat's record. A record of an older trilab is converted, with the endpoints from the seat's state.
 *
 * @returns `undefined` when there is no such seat.
 * @throws UserError when the record can't be read; exit 3 when the seat is on another machine's own daemons.
 */
export async function readRecord(id: SeatId): Promise<SeatRecord | undefined> {
  const file = join(seatDir(id), "seat.json");
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
  await requireHere(id);
  try {
    const json: unknown = JSON.parse(text);
    const old = recordV1Schema.safeParse(json).data;
    return withPrefix(
      old ? migrated(old, await endpointsInState(namedAsBefore(id))) : recordSchema.parse(json),
    );
  } catch (error) {
    throw new UserError(`the record of seat "${id.seat}" of lab "${id.lab}" can't be read`, {
      why: `${file} is damaged: ${messageOf(error).split("\n")[0]}`,
      fix: `remove the seat by its labels: trilab down ${id.lab} --seat ${id.seat} --by-label`,
      exitCode: ExitCode.failed,
      cause: error,
    });
  }
}

/**
 * In a shared state, a seat may be on the daemons of the machine that made it, at addresses that mean another daemon here:
 * that one would say that the seat is gone. A record that can't be read does not matter here.
 *
 * @throws UserError (exit 3) when this machine does not reach the seat.
 */
export async function requireHere(id: SeatId): Promise<void> {
  if (sharedNow() === undefined) return;
  const text = await readFile(join(seatDir(id), "seat.json"), "utf8").catch(() => "");
  const { onlyFrom } = recordSchema.pick({ onlyFrom: true }).safeParse(parseJson(text)).data ?? {};
  if (onlyFrom === undefined || onlyFrom.id === (await thisMachine()).id) return;
  throw new UserError(
    `seat "${id.seat}" of lab "${id.lab}" can only be reached from the machine "${onlyFrom.name}"`,
    {
      why: "it is on that machine's own daemons, at addresses like unix:///var/run/docker.sock",
      fix: `run the command there; if this is that machine under a new name, give it the name "${onlyFrom.name}" again first; for a class that others can reach, name its hosts in class.yaml: docker: ssh://…`,
      exitCode: ExitCode.hostNotReady,
    },
  );
}

/**
 * The class that a seat's record names; null: it is of no class. It is also read from the record of a seat that only another machine
 * reaches.
 *
 * @returns `undefined` when the record is too old to name one, or can't be read.
 */
export async function classInRecord(id: SeatId): Promise<string | null | undefined> {
  const text = await readFile(join(seatDir(id), "seat.json"), "utf8").catch(() => "");
  return recordSchema.pick({ class: true }).safeParse(parseJson(text)).data?.class;
}

/** Names and addresses by which every machine means itself. */
const LOOPBACK = /^(localhost|127\.[\d.]+|::1)$/;

/** The only machine that reaches machines at these endpoints, in a shared state; `undefined`: every machine does. */
export async function onlyFrom(endpoints: readonly Endpoint[]): Promise<SeatRecord["onlyFrom"]> {
  const local = endpoints.some(
    (endpoint) => endpoint.kind !== "ec2" && (isLocal(endpoint) || LOOPBACK.test(hostOf(endpoint))),
  );
  return local && sharedNow() !== undefined ? thisMachine() : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Adds the prefix of the seat's names if an older trilab chose it, by the names of its machines. Pure. */
function withPrefix(record: SeatRecord): SeatRecord {
  const before = namedAsBefore(record);
  const isOld = record.machines.some(({ name, target }) => name === machineName(before, target));
  return isOld && seatPrefix(record) !== before.prefix ? { ...record, prefix: before.prefix } : record;
}

/**
 * A seat with the prefix of its names: from its record, or, if that is lost or damaged, from its state. Only seats of an
 * older trilab with a hyphen in their name have another one than {@link seatPrefix} gives.
 */
export async function identified({ lab, seat }: SeatId): Promise<SeatId> {
  const id: SeatId = { lab, seat };
  const before = namedAsBefore(id);
  if (before.prefix === seatPrefix(id)) return id;
  const record = await readRecord(id).catch(() => undefined);
  if (record !== undefined) return record.prefix === undefined ? id : before;
  // A state of this name may be another seat's; the name of its component is the seat's.
  const checkpoint = await readCheckpoint({ stack: seatPrefix(before) }).catch(() => undefined);
  const isItsOwn = checkpoint?.resources.some(
    ({ type, urn }) => type === "trilab:index:MatchedLab" && urn.endsWith(`::${seat}`),
  );
  return isItsOwn ? before : id;
}

/** Writes the record atomically. */
export async function writeRecord(record: SeatRecord): Promise<void> {
  const dir = await privateDir(seatDir(record));
  await writeFileAtomic(join(dir, "seat.json"), `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  await saveUnit(seatUnit(record));
}

/**
 * Changes a stored record, and keeps the rest of it: the one in memory may have changes that are not deployed yet.
 *
 * @returns the record in memory with the same change.
 */
export async function amendRecord(
  record: SeatRecord,
  change: (record: SeatRecord) => SeatRecord,
): Promise<SeatRecord> {
  const stored = (await readRecord(record)) ?? record;
  const changed = change(stored);
  if (!isDeepStrictEqual(stored, changed)) await writeRecord(changed);
  const mine = change(record);
  return isDeepStrictEqual(record, mine) ? record : mine;
}

/** Every seat of this state directory, sorted by lab and seat, including those with a damaged record. */
export async function listSeats(): Promise<SeatId[]> {
  const seats: SeatId[] = [];
  for (const lab of await folderNames(seatsDir())) {
    for (const seat of await folderNames(join(seatsDir(), lab))) {
      // It may be removed meanwhile.
      if ((await namesIn(join(seatsDir(), lab, seat))).includes("seat.json"))
        seats.push(await identified({ lab, seat }));
    }
  }
  return seats;
}

/**
 * Checks that no seat of an older trilab has this seat's names: it gave `web`, `lab-1` the names of `web-lab`, `1`.
 *
 * @throws UserError (exit 2) when a seat here has them.
 */
export async function requireOwnNames(id: SeatId): Promise<void> {
  const alike = (await listSeats()).filter((each) => seatPrefix(each) === seatPrefix(id));
  const [other] = alike;
  if (other === undefined || alike.some(({ lab }) => lab === id.lab)) return;
  throw new UserError(`seat "${id.seat}" of lab "${id.lab}" would have the same names as another seat`, {
    why: `the names of seat "${other.seat}" of lab "${other.lab}", which an older trilab made, begin with ${seatPrefix(id)}, too`,
    fix: `did you mean that one (LAB ${other.lab}, --seat ${other.seat})? If not, choose another seat name`,
    exitCode: ExitCode.usage,
  });
}

/** Forgets the seat: record and keys. */
export async function removeRecord(id: SeatId): Promise<void> {
  await rm(seatDir(id), { recursive: true, force: true });
}
