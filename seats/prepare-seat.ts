import { isDeepStrictEqual } from "node:util";
import { ExitCode, UserError } from "../base/errors.js";
import { Once } from "../base/once.js";
import type { Progress } from "../base/progress.js";
import type { Accelerator } from "../components/libvirt-machine.js";
import { SwarmDriver } from "../drivers/docker/swarm/driver.js";
import { connect, type Drivers, driverWords } from "../drivers/drivers.js";
import type { LibvirtDriver } from "../drivers/libvirt/driver.js";
import { accelerator } from "../hosts/accelerator.js";
import { requireCapacity } from "../hosts/capacity.js";
import { subnetsInUse } from "../hosts/subnets.js";
import { ensureImage, findImage, imageHash, type MatchedImage } from "../images/index.js";
import type { CloudRequest } from "../labs/cloud-requests.js";
import type { Lab } from "../labs/load-lab.js";
import { freeSlot, SEAT_SLOTS, seatBlock, subnetOf } from "../model/cidr.js";
import { containerTag } from "../model/container-tag.js";
import { type Endpoints, endpointWords, isSwarm } from "../model/endpoint.js";
import { instanceType } from "../model/instance-catalogue.js";
import { ceilingOf, type MachineSize } from "../model/machine-size.js";
import { labelProblem, MAX_SEAT_LENGTH, machineName, type Target } from "../model/naming.js";
import { refreshShared, withUnitLock } from "../shared/shared-state.js";
import type { SeatSettings } from "../stacks/seat.js";
import { hostedImages, imageSpecOf, keptImage } from "./image-specs.js";
import { expiresAt, expiryInForce } from "./lifetime.js";
import { ceilings, changedSizes, firstSize } from "./present-size.js";
import { requireVacant } from "./reconcile.js";
import { rent } from "./rent-vps.js";
import { budgetInForce } from "./rental.js";
import { driversOf, endpointOf } from "./seat-drivers.js";
import { makeSeatKeys } from "./seat-keys.js";
import {
  identified,
  listSeats,
  machineOf,
  onlyFrom,
  owner,
  readRecord,
  requireOwnNames,
  type SeatMachine,
  type SeatRecord,
  targetsOf,
  writeRecord,
} from "./seat-record.js";
import { labThenOf } from "./unapplied.js";
import { writeVpsSeed } from "./vps-seed.js";

export { imageSpecOf } from "./image-specs.js";

export interface SeatRequest {
  lab: Lab;
  seat: string;
  /** Absent: the lab's targets, or those the seat has. */
  targets?: readonly Target[];
  /** Seconds, Infinity for no end; absent: the lab's. */
  ttl?: number;
  /** The VPS's cloud; absent: the lab's. */
  cloud?: CloudRequest;
  /** The only address that may reach a rented VPS by SSH; absent: this machine's public one. */
  sshFrom?: string;
  /** The daemons for a new seat's machines. */
  endpoints: Endpoints;
  /** US dollars that the rented machine may cost; Infinity removes the seat's budget, absent keeps it. */
  budget?: number;
  /** The class that makes the seat, or takes over one whose record is too old to name its class. Absent: no class does. */
  class?: string;
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

/**
 * The seat's record, existing or new. For a new one, checks that the host can run it, and reserves addresses. An existing
 * seat keeps its image and disk, because a changed lab.yaml must not destroy the learner's work.
 *
 * @param shared What several seats share; here, the capacity and the networks of their hosts.
 */
export async function prepareRecord(request: SeatRequest, shared = new Once()): Promise<SeatRecord> {
  const { lab, seat } = request;
  checkSeatName(seat);
  const id = await identified({ lab: lab.name, seat });
  const existing = await readRecord(id);
  if (existing === undefined) await requireOwnNames(id);
  else requireSameClass(existing, request.class);
  const targets = wantedTargets(request, existing);
  const disk = existing?.disk ?? lab.machine.disk;
  const rental = targets.includes("vps") ? await rent(existing, request, disk) : undefined;
  const vps = rental ? { vps: rental.rented } : {};
  const ceiling: Partial<Record<Target, MachineSize>> = {};
  const machines = (slot: number): SeatMachine[] =>
    targets.map((target) => {
      const known = existing && machineOf(existing, target);
      if (known) return known;
      const endpoint = endpointOf(target, existing, request.endpoints, rental?.endpoint);
      // AWS and a Swarm choose it.
      const isFixed = endpoint.kind !== "ec2" && !isSwarm(endpoint);
      return {
        ...{ target, name: machineName(id, target), endpoint },
        ...(isFixed ? { address: subnetOf(slot, target).address } : {}),
        ...(ceiling[target] ? { ceiling: ceiling[target] } : {}),
      };
    });
  const added = machines(existing?.slot ?? 0).filter(
    ({ target }) => existing === undefined || machineOf(existing, target) === undefined,
  );
  // An older image does not load the drivers of what a guest grows by before it answers.
  const [image, ofLab] = [existing?.image, imageHash(imageSpecOf({ ...lab.machine, disk }))];
  const growing = added.filter(({ target }) => target !== "guest" || image === undefined || image === ofLab);
  await Promise.all([
    added.length === 0 ||
      requireVacant(
        { ...id, owner: existing?.owner ?? owner() },
        added.map(({ target }) => target),
        driversOf({ machines: added }),
      ),
    ...growing.map(async (machine) => {
      const limit = await newCeiling(machine, lab, vps);
      if (limit) ceiling[machine.target] = limit;
    }),
  ]);
  const budget = rental?.endpoint ? budgetInForce(existing, request.budget) : undefined;
  if (existing) {
    const { budget: _, ...former } = existing;
    const only = await onlyFrom(added.map(({ endpoint }) => endpoint));
    const wanted = {
      machines: machines(existing.slot),
      ...(only ? { onlyFrom: only } : {}),
      ...vps,
      ...(budget === undefined ? {} : { budget }),
      ...(request.class === undefined ? {} : { class: request.class }),
      // A VPS that is added now follows the lab as it is now.
      ...(former.labThen && !former.vps && rental
        ? { labThen: { ...former.labThen, cloud: lab.vps.cloud } }
        : {}),
    };
    const record = { ...former, ...wanted, labDir: lab.dir };
    if (!isDeepStrictEqual(record, existing)) await writeRecord(record);
    return record;
  }

  const drivers = driversOf({ machines: added });
  const only = await onlyFrom(added.map(({ endpoint }) => endpoint));
  await requireCapacity(lab.machine, drivers, shared);
  // The record reserves the block, so that two seats that start at once don't get the same.
  return withUnitLock(
    { name: "slots", lock: "slots.lock", paths: [] },
    { what: "the list of seats' addresses", waitMs: 30_000 },
    async () => {
      await refreshShared();
      const taken = await Promise.all(
        (await listSeats()).map((other) => readRecord(other).catch(() => undefined)),
      );
      const blocks = taken.filter((r) => r !== undefined).map((r) => seatBlock(r.slot));
      const networks = await shared.get(`networks of ${driverWords(drivers)}`, () => subnetsInUse(drivers));
      const slot = freeSlot(id, [...blocks, ...networks]);
      if (slot === undefined) {
        throw new UserError("this host has no free addresses for another seat", {
          why: `all ${SEAT_SLOTS} blocks of 10.213.0.0/16 are in use`,
          fix: "remove seats that are no longer needed: trilab status, trilab down",
        });
      }
      const created = new Date();
      const ttl = request.ttl ?? lab.ttl;
      const record: SeatRecord = {
        schema: 2,
        ...id,
        labDir: lab.dir,
        owner: owner(),
        created: created.toISOString(),
        expires: expiresAt(created.getTime() + (ttl ?? Number.POSITIVE_INFINITY) * 1000),
        slot,
        machines: machines(slot),
        user: lab.machine.user,
        image: imageHash(imageSpecOf(lab.machine)),
        disk: lab.machine.disk,
        ...vps,
        ...(budget === undefined ? {} : { budget }),
        labThen: labThenOf(lab),
        ...(only ? { onlyFrom: only } : {}),
        class: request.class ?? null,
      };
      await writeRecord(record);
      return record;
    },
  );
}

/**
 * Checks that a class does not take a seat that another command made after the class was planned.
 *
 * @throws UserError (exit 2) when the seat is of another class, or of none.
 */
function requireSameClass({ class: has, lab, seat }: SeatRecord, wanted: string | undefined): void {
  if (wanted === undefined || has === undefined || has === wanted) return;
  throw new UserError(`seat "${seat}" of lab "${lab}" is not of class "${wanted}"`, {
    why: has === null ? "it was made for no class" : `it is of class "${has}"`,
    fix: `give the learner another seat in the roster's column seat; or remove this one: trilab down ${lab} --seat ${seat}`,
    exitCode: ExitCode.usage,
  });
}

/** How large a new machine can become while it runs; `undefined`: it is no domain, or its libvirt is too old for that. */
async function newCeiling(
  { endpoint, target }: SeatMachine,
  { machine }: Lab,
  vps: Pick<SeatRecord, "vps">,
): Promise<MachineSize | undefined> {
  if (endpoint.kind !== "libvirt") return undefined;
  const host = await connect(endpoint).roomToGrow();
  return host && ceilingOf(firstSize(vps, machine, target), machine.max, host);
}

/** Deployed targets stay until `down`: adding one must not remove another. */
export function wantedTargets(
  request: Pick<SeatRequest, "lab" | "targets">,
  existing: SeatRecord | undefined,
): readonly Target[] {
  const there = existing && targetsOf(existing);
  const asked = request.targets ?? there ?? request.lab.targets;
  return [...new Set([...(there ?? []), ...asked])];
}

/**
 * The seat's images, and the daemons that need each. The lab's current image is built if necessary; an older one comes
 * from the cache. If it is not there, it can't be built again, and the seat's machines have it on the host.
 */
export async function builtImages(
  record: SeatRecord,
  lab: Lab,
  progress: Progress,
): Promise<{ image: MatchedImage; daemons: Drivers }[]> {
  const { disk, machines, vps } = record;
  const built: { image: MatchedImage; daemons: Drivers }[] = [];
  for (const { of, spec } of hostedImages(lab.machine, targetsOf(record), vps?.cloud, disk)) {
    const hash = keptImage(record, of);
    if (hash === undefined) continue;
    const image = hash === imageHash(spec) ? await ensureImage(spec, { progress }) : await findImage(hash);
    const bootIt = machines.filter(({ target }) => (target === "vps") === (of === "vps"));
    if (image && bootIt.some(({ target }) => target === "container")) requireInitScripts(image);
    if (image) built.push({ image, daemons: driversOf({ machines: bootIt }) });
  }
  return built;
}

/** @throws UserError (exit 2) when a container could not start all of its lab's services. */
function requireInitScripts({ manifest }: MatchedImage): void {
  const without = (manifest.services ?? []).filter((s) => !s.initScript).map((s) => s.name);
  if (without.length === 0) return;
  throw new UserError(`a container can't start the service ${without.join(", ")}`, {
    why: "its package has only a systemd unit and no script in /etc/init.d, and a container has no systemd",
    fix: "remove it from machine.services, choose another package, or use only guest and VPS: targets: [guest]",
    exitCode: ExitCode.usage,
  });
}

/**
 * The settings of the seat's program. Makes the seat's keys, if there are none. The caller holds the seat's lock.
 *
 * @param shared Stores the answers of its hosts for the next seat.
 */
export async function seatSettings(record: SeatRecord, lab: Lab, shared = new Once()): Promise<SeatSettings> {
  const { created, expires, lab: labName, prefix, seat, vps } = record;
  const { docker, libvirt } = driversOf(record);
  const [keys, accelerator, swapLimit] = await Promise.all([
    makeSeatKeys(record),
    libvirt ? keptAccelerator(record, libvirt) : ("tcg" as const),
    docker ? shared.get(`swap at ${docker.endpoint.host}`, () => docker.limitsSwap()) : true,
  ]);
  return {
    spec: { ...lab.machine, user: record.user, disk: record.disk },
    sizes: changedSizes(record, lab.machine),
    ceilings: ceilings(record, lab.machine),
    ownership: { owner: record.owner, lab: labName, seat, prefix, created, expires },
    expires: expiryInForce(record),
    targets: targetsOf(record),
    slot: record.slot,
    image: { hash: record.image, containerTag: containerTag(record.image) },
    ...(vps ? { vps: { ...vps, type: instanceType(vps.type) } } : {}),
    accelerator,
    swapLimit,
    limitsLayer: async () =>
      docker ? shared.get(`layers at ${endpointWords(docker.endpoint)}`, () => docker.limitsDisk()) : false,
    ...(docker instanceof SwarmDriver
      ? { service: () => docker.forService(machineName(record, "container"), containerTag(record.image)) }
      : {}),
    mendContainer: async (container, wanted) => (await docker?.mend(container, wanted)) ?? [],
    userKey: keys.publicKey,
    hostKey: keys.hostKey,
    hostKeyFile: keys.hostKeyFile,
    hostPublicKey: keys.hostPublicKey,
    writeVpsSeed: (userData, metaData) => writeVpsSeed(record, userData, metaData),
  };
}

/** The seat's accelerator: found out at the first `up` that needs it, and kept from then on. */
async function keptAccelerator(record: SeatRecord, libvirt: LibvirtDriver): Promise<Accelerator> {
  if (record.accelerator) return record.accelerator;
  const verdict = await accelerator(libvirt);
  if (!verdict.provisional) await writeRecord({ ...record, accelerator: verdict.use });
  return verdict.use;
}
