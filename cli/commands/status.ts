import { messageAndWhy, UserError } from "../../base/errors.js";
import { type Found, machineIn } from "../../drivers/found.js";
import { addressOf, type Endpoint } from "../../model/endpoint.js";
import { formatUsd, type Rented, type RunningCost, runningCost } from "../../model/prices.js";
import type { SeatRecord } from "../../seats/seat-record.js";
import { type Context, columns, report } from "../context.js";
import { type Args, defineCommand, onlySeatOptions, text } from "../define-command.js";
import { matchingSeats, noSeat } from "../seat-meant.js";
import { timeLeft } from "../time-left.js";

export const status = defineCommand({
  usage: "status",
  description: "list what is up, as Docker, libvirt and AWS report it",
  options: onlySeatOptions,
  handler: showStatus,
});

/** One target of a seat. `state` is the word of Docker, libvirt or AWS, or `gone`, or `not answered` if they could not be queried. */
interface Row {
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
  /** The daemon or region that has it; absent for a damaged record. */
  endpoint?: Endpoint;
  address: string;
  /** ISO 8601 or `never`. */
  expires: string;
  /** Of a machine that costs money: an estimate by list price; null if the price is not known. */
  cost?: RunningCost | null;
}

async function showStatus(args: Args, ctx: Context): Promise<undefined> {
  const { readRecord } = await import("../../seats/seat-record.js");
  const { rentedWords } = await import("../../model/clouds.js");
  const { endOf, expiryInForce } = await import("../../seats/lifetime.js");
  const { isStopped } = await import("../../seats/reconcile.js");
  const { rentedSince } = await import("../../seats/rental.js");
  const [lab, seat] = [text(args, "lab"), text(args, "seat")];
  const seats = await matchingSeats(lab, seat);
  // Without a name, "Nothing is up" is an answer. A seat that was named must exist.
  if (seats.length === 0 && (lab !== undefined || seat !== undefined)) throw noSeat(lab, seat);
  const rows: Row[] = [];
  for (const each of seats) {
    const id = { lab: each.lab, seat: each.seat };
    const record = await readRecord(id).catch(() => undefined);
    if (record === undefined) {
      rows.push({
        ...id,
        target: "?",
        state: `record damaged: trilab down ${id.lab} --seat ${id.seat} --by-label`,
        address: "",
        expires: "",
      });
      continue;
    }
    const rented = rentedSince(record);
    const answers = await thingsOf(record, ctx);
    if (await isDestroyed(record, answers)) continue;
    for (const { address = "", endpoint, name, stopped, target } of record.machines) {
      const there = answers.get(addressOf(endpoint));
      const found = there && machineIn(there, { name });
      const expires = expiryInForce(record);
      const over = endOf(expires) <= Date.now();
      const off = stopped !== undefined ? "stopped" : over ? "time was up" : undefined;
      rows.push({
        ...id,
        target,
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
      });
    }
  }
  report(ctx, "status", { seats: rows }, () => {
    if (rows.length === 0) return ["Nothing is up. Start with: trilab up"];
    const { bad, bold, good, warn } = ctx.style;
    const costs = rows.some(({ cost }) => cost !== undefined);
    return columns([
      ["LAB", "SEAT", "TARGET", "STATE", "ADDRESS", "EXPIRES", ...(costs ? ["COST"] : [])].map(bold),
      ...rows.map((r) => [
        r.lab,
        r.seat,
        r.rented === undefined ? r.target : `${r.target} (${r.rented})`,
        r.state === "running" ? good(runningWords(r)) + homeWords(r, warn) : bad(stateWords(r)),
        r.address,
        timeLeft(r.expires),
        ...(costs ? [costWords(r.cost)] : []),
      ]),
    ]);
  });
  return undefined;
}

/** `running`, `running (was resumed)`, `running on lab2` */
const runningWords = ({ node, resumed, state }: Row): string =>
  resumed ? "running (was resumed)" : node === undefined ? state : `${state} on ${node}`;

/** Says that a Swarm has made the container anew on another node: its home did not follow. */
const homeWords = ({ homesElsewhere = [] }: Row, warn: (text: string) => string): string =>
  homesElsewhere.length === 0
    ? ""
    : warn(`, without the home that it had on ${homesElsewhere.join(" and ")}`);

/** `exited: stopped`, `shut off: time was up`, `stopped` (AWS's own word). */
const stateWords = ({ off, state }: Row): string =>
  off === undefined || off === state ? state : `${state}: ${off}`;

/**
 * What exists of a seat, by endpoint address. An endpoint that does not answer is reported and left out, so that it
 * does not hide the others.
 */
async function thingsOf(record: SeatRecord, ctx: Context): Promise<Map<string, Found[]>> {
  const { seatInventory } = await import("../../drivers/drivers.js");
  const { driversAt, requireAnswer } = await import("../../seats/seat-drivers.js");
  const answers = new Map<string, Found[]>();
  const endpoints = new Map(record.machines.map(({ endpoint }) => [addressOf(endpoint), endpoint]));
  await Promise.all(
    [...endpoints].map(async ([address, endpoint]) => {
      try {
        await requireAnswer(record, endpoint);
        answers.set(address, await seatInventory(record, driversAt([endpoint])));
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        ctx.tell(messageAndWhy(error));
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
  const { readCheckpoint } = await import("../../engine/index.js");
  const { seatPrefix } = await import("../../model/naming.js");
  return (await readCheckpoint({ stack: seatPrefix(record) }).catch(() => "damaged")) === undefined;
}

async function costSoFar(record: Rented): Promise<RunningCost | null> {
  const { readPriceTable } = await import("../../drivers/ec2/price-table.js");
  return runningCost(await readPriceTable(), record, new Date());
}

/** `$0.02 so far, $0.05 by its end`. */
function costWords(cost: Row["cost"]): string {
  if (cost === undefined) return "";
  if (cost === null) return "price not known: trilab cost --refresh";
  const { perHour, soFar, untilEnd } = cost;
  return `${formatUsd(soFar)} so far, ${untilEnd === null ? `${formatUsd(perHour)} an hour` : `${formatUsd(untilEnd)} by its end`}`;
}
