import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { ExitCode, UserError } from "../base/errors.js";
import { withLock } from "../base/lock.js";
import { stateDir } from "../base/paths.js";
import type { Progress } from "../base/progress.js";
import type { Accelerator } from "../components/libvirt-machine.js";
import { limitsSwap } from "../drivers/docker/client.js";
import type { Sources } from "../drivers/inventory.js";
import { accelerator } from "../hosts/accelerator.js";
import { requireCapacity } from "../hosts/capacity.js";
import { subnetsInUse } from "../hosts/subnets.js";
import { ensureImage, findImage, imageHash, type MatchedImage } from "../images/index.js";
import type { CloudWish } from "../labs/cloud-wishes.js";
import type { Lab } from "../labs/define-lab.js";
import { freeSlot, SEAT_SLOTS, seatBlock } from "../model/cidr.js";
import { instanceType } from "../model/instance-catalogue.js";
import { labelProblem, MAX_SEAT_LENGTH, type SeatId, type Target } from "../model/naming.js";
import type { SeatSettings } from "../stacks/seat.js";
import { hostedImages, imageSpecOf, keptImage } from "./image-specs.js";
import { expiresAt, expiryInForce } from "./lifetime.js";
import { requireVacant } from "./reconcile.js";
import { rent } from "./rent.js";
import { budgetInForce } from "./rental.js";
import {
  listSeats,
  owner,
  readRecord,
  requireOwnNames,
  type SeatRecord,
  seatKeys,
  writeRecord,
} from "./seat-record.js";
import { sourcesOf } from "./sources.js";
import { writeVpsSeed } from "./vps-seed.js";

export { imageSpecOf } from "./image-specs.js";

export interface SeatRequest {
  lab: Lab;
  seat: string;
  /** Absent: the lab's targets, or those the seat has. */
  targets?: readonly Target[];
  /** Seconds, Infinity for no end; absent: the lab's. */
  ttl?: number;
  /** Who rents the VPS out; absent: as the lab says. */
  cloud?: CloudWish;
  /** The one address that may reach a rented VPS; absent: this machine's public one. */
  sshFrom?: string;
  /** US dollars that what is rented may cost; Infinity lifts the seat's budget, absent keeps it. */
  budget?: number;
}

/** @throws UserError (exit 2) when `name` can't be a seat's. */
export function checkSeatName(name: string): void {
  const problem = labelProblem(name, MAX_SEAT_LENGTH);
  if (problem === undefined) return;
  throw new UserError(`"${name}" can't be a seat's name`, {
    why: `it ${problem}; it becomes a part of host names`,
    fix: "name it like alice or seat-07: --seat NAME",
    exitCode: ExitCode.usage,
  });
}

/** The seat's record as it is or newly made: checks that the host can carry it, and gives it addresses of its own. */
export async function prepareRecord(request: SeatRequest, progress: Progress): Promise<SeatRecord> {
  const { lab, seat } = request;
  checkSeatName(seat);
  const id: SeatId = { lab: lab.name, seat };
  const existing = await readRecord(id);
  const targets = wantedTargets(request, existing);
  const disk = existing?.disk ?? lab.machine.disk;
  const vps = targets.includes("vps") ? await rent(existing?.vps, request, disk) : undefined;
  const added = targets.filter((target) => !existing?.targets.includes(target));
  if (added.length > 0)
    await requireVacant({ ...id, owner: existing?.owner ?? owner() }, added, sourcesOf(added, vps));
  const budget = vps?.cloud === "aws" ? budgetInForce(existing, request.budget) : undefined;
  if (existing) {
    const { budget: _, ...former } = existing;
    const wanted = {
      targets: [...targets],
      ...(vps ? { vps } : {}),
      ...(budget === undefined ? {} : { budget }),
    };
    return keep(existing, { ...former, ...wanted, labDir: lab.dir }, lab, progress);
  }

  await requireOwnNames(id);
  const sources = sourcesOf(targets, vps);
  await requireCapacity(lab.machine, sources);
  // Two seats that start together must not get the same block: the record is the reservation.
  return withLock(
    join(stateDir(), "slots.lock"),
    { what: "the list of seats' addresses", waitMs: 30_000 },
    async () => {
      const taken = await Promise.all(
        (await listSeats()).map((other) => readRecord(other).catch(() => undefined)),
      );
      const blocks = taken.filter((r) => r !== undefined).map((r) => seatBlock(r.slot));
      const slot = freeSlot(id, [...blocks, ...(await subnetsInUse(sources))]);
      if (slot === undefined) {
        throw new UserError("this host has no free addresses for another seat", {
          why: `all ${SEAT_SLOTS} blocks of 10.213.0.0/16 are in use`,
          fix: "take seats down that are no longer needed: trilab status, trilab down",
        });
      }
      const created = new Date();
      const ttl = request.ttl ?? lab.ttl;
      const record: SeatRecord = {
        schema: 1,
        ...id,
        labDir: lab.dir,
        owner: owner(),
        created: created.toISOString(),
        expires: expiresAt(created.getTime() + (ttl ?? Number.POSITIVE_INFINITY) * 1000),
        slot,
        targets: [...targets],
        user: lab.machine.user,
        image: imageHash(imageSpecOf(lab.machine)),
        disk: lab.machine.disk,
        ...(vps ? { vps } : {}),
        ...(budget === undefined ? {} : { budget }),
      };
      await writeRecord(record);
      return record;
    },
  );
}

/** Targets once deployed stay until `down`: asking for one more must not take another away. */
export function wantedTargets(
  request: Pick<SeatRequest, "lab" | "targets">,
  existing: SeatRecord | undefined,
): readonly Target[] {
  const asked = request.targets ?? existing?.targets ?? request.lab.targets;
  return [...new Set([...(existing?.targets ?? []), ...asked])];
}

/** A seat that is there keeps its image and disk: a changed lab.yaml must not take the learner's work away. */
async function keep(
  existing: SeatRecord,
  record: SeatRecord,
  lab: Lab,
  progress: Progress,
): Promise<SeatRecord> {
  if (existing.image !== imageHash(imageSpecOf(lab.machine))) {
    progress.note(
      `the lab's image has changed since this seat was made; the seat keeps its own, with the learner's work. For the new one: trilab down ${lab.name} --seat ${existing.seat}, then up`,
    );
  }
  if (!isDeepStrictEqual(record, existing)) await writeRecord(record);
  return record;
}

/**
 * The seat's images, and which daemons each is for: built where they are the lab's, else from the cache. One that is in
 * neither can't be built again; the seat's machines have it on the host already.
 */
export async function builtImages(
  record: SeatRecord,
  lab: Lab,
  progress: Progress,
): Promise<{ image: MatchedImage; daemons: Sources }[]> {
  const { disk, targets, vps } = record;
  const sources = sourcesOf(targets.filter((t) => t !== "vps"));
  const built: { image: MatchedImage; daemons: Sources }[] = [];
  for (const { of, spec } of hostedImages(lab.machine, targets, vps?.cloud, disk)) {
    const hash = keptImage(record, of);
    if (hash === undefined) continue;
    const image = hash === imageHash(spec) ? await ensureImage(spec, { progress }) : await findImage(hash);
    if (image) built.push({ image, daemons: of === "vps" ? { docker: false, libvirt: true } : sources });
  }
  return built;
}

/** The settings of the seat's program. */
export async function seatSettings(record: SeatRecord, lab: Lab): Promise<SeatSettings> {
  const keys = await seatKeys(record);
  const { created, expires, seat, vps } = record;
  const { docker, libvirt } = sourcesOf(record.targets, vps);
  return {
    spec: { ...lab.machine, user: record.user, disk: record.disk },
    ownership: { owner: record.owner, lab: record.lab, seat, created, expires },
    expires: expiryInForce(record),
    targets: record.targets,
    slot: record.slot,
    image: { hash: record.image, containerTag: `trilab/machine:${record.image}` },
    ...(vps ? { vps: { ...vps, type: instanceType(vps.type) } } : {}),
    accelerator: libvirt ? await keptAccelerator(record) : "tcg",
    swapLimit: docker ? await limitsSwap() : true,
    userKey: keys.publicKey,
    hostKey: keys.hostKey,
    hostPublicKey: keys.hostPublicKey,
    writeVpsSeed: (userData, metaData) => writeVpsSeed(record, userData, metaData),
  };
}

/** The seat's accelerator: the host's verdict at the first `up` that asks, and the same ever after. */
async function keptAccelerator(record: SeatRecord): Promise<Accelerator> {
  if (record.accelerator) return record.accelerator;
  const verdict = await accelerator();
  if (!verdict.provisional) await writeRecord({ ...record, accelerator: verdict.use });
  return verdict.use;
}
