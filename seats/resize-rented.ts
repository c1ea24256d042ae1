import { ExitCode, UserError } from "../base/errors.js";
import { interruptible } from "../base/working.js";
import { connect, seatInventory } from "../drivers/drivers.js";
import type { Found } from "../drivers/found.js";
import { reporting, type StepEvent, type Steps } from "../model/events.js";
import { type InstanceType, instanceType, instanceTypeFor } from "../model/instance-catalogue.js";
import type { MachineSize } from "../model/machine-size.js";
import { requireAccount } from "./account.js";
import { keepTo, type Spending } from "./budget.js";
import { withSeatLock } from "./deploy-seat.js";
import { endOf, expiryInForce } from "./lifetime.js";
import { openEnvironment } from "./open-target.js";
import { rememberAddress } from "./rent-vps.js";
import { paidSince, rentalOf } from "./rental.js";
import type { Resized } from "./resize.js";
import { type ResizeWish, requireFree } from "./resize-limits.js";
import { driversOf } from "./seat-drivers.js";
import { readRecord, rentedAt, type SeatRecord, writeRecord } from "./seat-record.js";
import { inSizeSession, type SizeSession } from "./size-session.js";

/** What a rented machine is to become, and what it then costs until its end. */
export interface RentedPlan {
  from: InstanceType;
  to: InstanceType;
  spending: Spending;
}

/** How long it may take to answer after its start, in milliseconds. */
const ANSWER_MS = 300_000;

const sizeOf = ({ memory, vcpus }: InstanceType): MachineSize => ({ memory, cpus: vcpus });

/**
 * The smallest instance type with the size that is asked for; what is not asked for stays.
 *
 * @throws UserError (exit 2) when no type is large enough, it can't be changed, or it costs more than the seat's budget.
 */
export async function planRented(record: SeatRecord, wish: ResizeWish): Promise<RentedPlan> {
  const rental = rentalOf(record);
  if (record.vps === undefined || rental === undefined) throw new Error("nothing is rented");
  const from = instanceType(record.vps.type);
  if (record.vps.spot)
    throw new UserError(`the vps of seat "${record.seat}" can't be resized`, {
      why: `it is a spot instance, and AWS changes the type only of an instance that can be stopped`,
      fix: `rent another: vps.size in lab.yaml, then trilab down ${record.lab} --seat ${record.seat}, then trilab up: this deletes everything in the seat's machines`,
      exitCode: ExitCode.usage,
    });
  const to = instanceTypeFor({ ...sizeOf(from), ...wish });
  const end = endOf(expiryInForce(record));
  const spending = {
    rental: { ...rental, size: to.name },
    seats: 1,
    ttl: (end - Date.now()) / 1000,
    unlimited: record.vps.credits === "unlimited",
  };
  if (record.budget !== undefined)
    await keepTo(record.budget, { ...spending, ttl: (end - paidSince(record)) / 1000 }, () => undefined);
  return { from, to, spending };
}

/**
 * Gives a seat's rented machine another type. It is off meanwhile, and gets another address.
 *
 * The record gets the new type first: what a kill interrupts is finished by the next `resize` or `up`.
 *
 * @throws UserError when AWS refuses, or the machine does not answer.
 */
export const resizeRented = (
  seat: SeatRecord,
  plan: RentedPlan,
  wish: ResizeWish,
): AsyncGenerator<StepEvent, Resized> =>
  reporting((steps) =>
    withSeatLock(seat, async () => retype((await readRecord(seat)) ?? seat, plan, wish, steps)),
  );

async function retype(
  record: SeatRecord,
  { from, to }: RentedPlan,
  wish: ResizeWish,
  steps: Steps,
): Promise<Resized> {
  const region = await regionOf(record);
  const target = "vps";
  const about = {
    step: "resize",
    title: `vps: becoming a ${to.name}`,
    seat: record,
    machine: target,
  } as const;
  return steps.run(about, async (progress) => {
    const { id, state } = await instanceOf(record);
    const look = (session: SizeSession): void => {
      if (to.memory < from.memory) requireFree(target, sizeOf(from), sizeOf(to), session);
    };
    const before = state === "running" ? await sizeInside(record, look) : undefined;
    const changed = withType(record, to.name);
    const ec2 = connect({ kind: "ec2", region });
    const over = interruptible();
    try {
      await writeRecord(changed);
      progress.update("it is stopped, changed and started again");
      const began = performance.now();
      const retyped = await ec2.changeType(id, to.name).catch(async (error: unknown) => {
        // The price follows from the type in the record. If AWS does not say which it is, the next `up` finishes the change.
        const type = (await ec2.typeOf(id).catch(() => to.name)) ?? from.name;
        await writeRecord(withType(record, type));
        throw error;
      });
      const resized = {
        target,
        from: sizeOf(from),
        to: { ...sizeOf(from), ...wish },
        rented: { from: from.name, to: to.name, ...retyped },
      } as const;
      // It was off, and still is; or it was just starting.
      if (before === undefined || retyped.address === undefined) return { record: changed, ...resized };
      const now = await rememberAddress(changed, retyped.address, id);
      progress.update("waiting for its answer");
      const environment = await openEnvironment(now, target);
      await environment.firstAnswer(["true"], {}, ANSWER_MS);
      const silent = (performance.now() - began) / 1000;
      const after = await sizeInside(now);
      const rented = { ...resized.rented, ...(retyped.changed ? { silent } : {}) };
      return { record: now, ...resized, rented, inside: { before, after, seconds: {} } };
    } finally {
      over();
    }
  });
}

/** Finishes a change of type that was interrupted. @returns whether there was one. */
export async function holdType(record: SeatRecord): Promise<boolean> {
  if (record.vps?.firstType === undefined || rentedAt(record) === undefined) return false;
  const region = await regionOf(record);
  const instance = await findInstance(record);
  // One that is gone is rented again by the engine, with its present type.
  if (instance === undefined) return false;
  return (await connect({ kind: "ec2", region }).changeType(instance.id, record.vps.type)).changed;
}

/** The region in which the seat rents, if the credentials are those of its account. @throws UserError. */
async function regionOf(record: SeatRecord): Promise<string> {
  const region = rentedAt(record)?.region;
  if (region === undefined) throw new Error("nothing is rented");
  await requireAccount(record, region);
  return region;
}

/** The seat's instance as AWS lists it; one that is ending counts as gone. */
async function findInstance(record: SeatRecord): Promise<Found | undefined> {
  const found = await seatInventory(record, driversOf(record));
  return found.find(
    ({ kind, owner, state }) => kind === "instance" && owner === record.owner && state !== "shutting-down",
  );
}

/** @throws UserError when it is gone. */
async function instanceOf(record: SeatRecord): Promise<Found> {
  const instance = await findInstance(record);
  if (instance) return instance;
  throw new UserError(`the vps of seat "${record.seat}" is gone`, {
    why: "AWS lists no instance of this seat",
    fix: `rent it again: trilab up ${record.lab} --seat ${record.seat}`,
  });
}

/** What the machine sees inside. @throws UserError when it does not answer; what `check` throws. */
async function sizeInside(
  record: SeatRecord,
  check: (session: SizeSession) => void = () => {},
): Promise<MachineSize> {
  return inSizeSession(await openEnvironment(record, "vps"), async (session) => {
    check(session);
    return session.first;
  });
}

/** The record with another type, and with the first one as long as it differs. */
function withType(record: SeatRecord, type: string): SeatRecord {
  if (record.vps === undefined) return record;
  const { firstType = record.vps.type, ...kept } = record.vps;
  return { ...record, vps: { ...kept, type, ...(firstType === type ? {} : { firstType }) } };
}
