import { ExitCode, messageOf, UserError } from "../base/errors.js";
import { seatInventory } from "../drivers/drivers.js";
import { type Found, machineIn } from "../drivers/found.js";
import { readCheckpoint } from "../engine/index.js";
import { rentedWords } from "../model/clouds.js";
import { addressOf, type Endpoint } from "../model/endpoint.js";
import { type SeatId, seatPrefix } from "../model/naming.js";
import { type Rented, type RunningCost, runningCost } from "../model/prices.js";
import { endOf, expiryInForce } from "./lifetime.js";
import { isStopped } from "./reconcile.js";
import { rentedSince } from "./rental.js";
import { driversAt, requireAnswer } from "./seat-drivers.js";
import { readRecord, type SeatRecord } from "./seat-record.js";

/** One target of a seat. `state` is the word of Docker, libvirt or AWS, or `gone`, or `not answered` if they could not be queried. */
export interface StatusRow {
  lab: string;
  seat: string;
  target: string;
  /** Of a VPS: the instance type, or that it is a rehearsal. */
  rented?: string;
  state: string;
  /** It goes on from a golden guest's memory, and did not boot. */
  resumed?: boolean;
  /** Why it does not run: `trilab stop` stopped it, or its time was up; absent: it runs, or the reason is not known. */
  off?: "stopped" | "time was up";
  /** Of a container on a Docker Swarm: its node, and the nodes on which an older home of it is, or was, if they are lost. */
  node?: string;
  homesElsewhere?: string[];
  /** The daemon or region that has it; absent if its record can't be read. */
  endpoint?: Endpoint;
  address: string;
  /** ISO 8601 or `never`. */
  expires: string;
  /** Of a machine that costs money: an estimate by list price; null if the price is not known. */
  cost?: RunningCost | null;
}

/**
 * The targets of seats, as Docker, libvirt and AWS report them now. One that does not answer hides no other.
 *
 * @returns a row for each target, and an error for each endpoint that did not answer.
 */
export async function seatStatus(
  seats: readonly SeatId[],
): Promise<{ rows: StatusRow[]; silent: UserError[] }> {
  const [rows, silent]: [StatusRow[], UserError[]] = [[], []];
  for (const { lab, seat } of seats) {
    const id = { lab, seat };
    const record = await readRecord(id).catch((error: unknown) => {
      rows.push({ ...id, target: "?", state: notRead(id, error), address: "", expires: "" });
      return undefined;
    });
    if (record !== undefined) rows.push(...(await rowsOf(record, silent)));
  }
  return { rows, silent };
}

/** Why there is no record, in a few words. One that is damaged can be removed. */
function notRead({ lab, seat }: SeatId, error: unknown): string {
  return error instanceof UserError && error.exitCode === ExitCode.failed
    ? `record damaged: trilab down ${lab} --seat ${seat} --by-label`
    : `not known: ${messageOf(error)}`;
}

async function rowsOf(record: SeatRecord, silent: UserError[]): Promise<StatusRow[]> {
  const { lab, seat } = record;
  const answers = await thingsOf(record, silent);
  if (await isDestroyed(record, answers)) return [];
  const expires = expiryInForce(record);
  const isOver = endOf(expires) <= Date.now();
  const rented = rentedSince(record);
  return Promise.all(
    record.machines.map(async ({ address = "", endpoint, name, stopped, target }): Promise<StatusRow> => {
      const there = answers.get(addressOf(endpoint));
      const found = there && machineIn(there, { name });
      const off = stopped !== undefined ? "stopped" : isOver ? "time was up" : undefined;
      return {
        ...{ lab, seat, target },
        ...(target === "vps" && record.vps ? { rented: rentedWords(record.vps) } : {}),
        state: found?.state ?? (there === undefined ? "not answered" : "gone"),
        ...(found?.resumed ? { resumed: true } : {}),
        ...(found?.node === undefined ? {} : { node: found.node }),
        ...(found?.homesElsewhere === undefined ? {} : { homesElsewhere: found.homesElsewhere }),
        ...(found && off && isStopped(found) ? { off } : {}),
        endpoint,
        // One that is rented has no address while it is stopped.
        address: endpoint.kind === "ec2" && found ? (found.address ?? "") : address,
        expires,
        ...(target === "vps" && rented && found ? { cost: await costSoFar(rented) } : {}),
      };
    }),
  );
}

/** What exists of a seat, by endpoint address; without the endpoints that do not answer. */
async function thingsOf(record: SeatRecord, silent: UserError[]): Promise<Map<string, Found[]>> {
  const answers = new Map<string, Found[]>();
  const endpoints = new Map(record.machines.map(({ endpoint }) => [addressOf(endpoint), endpoint]));
  await Promise.all(
    [...endpoints].map(async ([address, endpoint]) => {
      try {
        await requireAnswer(record, endpoint);
        answers.set(address, await seatInventory(record, driversAt([endpoint])));
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        silent.push(error);
      }
    }),
  );
  return answers;
}

/**
 * Whether plain `pulumi destroy` has removed the seat, which leaves its record: no host has anything of it, and our state
 * does not know it.
 */
async function isDestroyed(record: SeatRecord, answers: ReadonlyMap<string, Found[]>): Promise<boolean> {
  const empty = record.machines.every(({ endpoint }) => answers.get(addressOf(endpoint))?.length === 0);
  if (!empty) return false;
  return (await readCheckpoint({ stack: seatPrefix(record) }).catch(() => "damaged")) === undefined;
}

async function costSoFar(rented: Rented): Promise<RunningCost | null> {
  const { readPriceTable } = await import("../drivers/ec2/price-table.js");
  return runningCost(await readPriceTable(), rented, new Date());
}
