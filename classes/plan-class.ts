import { ExitCode, messageAndWhy, UserError } from "../base/errors.js";
import { type Drivers, endpointsOf } from "../drivers/drivers.js";
import { isRefusal } from "../drivers/refusal.js";
import { hostCapacity } from "../hosts/capacity.js";
import { type Lab, loadLab } from "../labs/load-lab.js";
import { SEAT_SLOTS } from "../model/cidr.js";
import { type Endpoints, sameEndpoint } from "../model/endpoint.js";
import { DOMAIN_TARGETS, type Target } from "../model/naming.js";
import { formatSize } from "../model/units.js";
import { planSeat, type SeatPlan } from "../seats/plan.js";
import { driversAt } from "../seats/seat-drivers.js";
import { listSeats, readRecord, type SeatRecord } from "../seats/seat-record.js";
import { type ClassRecord, type Member, readClass } from "./class-record.js";
import { classesOf, recordsOf, seatsNaming, seatsOf } from "./class-seats.js";
import type { ClassSpec } from "./define-class.js";
import { placeSeats } from "./place-seats.js";
import { planRented, type RentedSeats } from "./rented-seats.js";
import { type Learner, readRoster } from "./roster.js";

/** A host of a class, with the daemons that its seats need. */
export interface HostPlan {
  name: string;
  drivers: Drivers;
  /** How many seats of the class it has, and will have; with those of learners who have left the roster. */
  now: number;
  planned: number;
  /** Bytes that its guests are given, and that the host has. A container takes what it uses, at most the lab's memory. */
  guestMemory: number;
  memory: number;
  cpus: number;
}

/** A learner's seat, as `class up` will make it. */
export interface PlannedSeat {
  learner: Learner;
  plan: SeatPlan;
  host: string;
}

/** What `class up` will do, decided before anything is made. */
export interface ClassPlan {
  name: string;
  lab: Lab;
  /** Whether new guests are resumed from a golden guest. */
  resume: boolean;
  hosts: HostPlan[];
  /** The learners of the roster, in its order. */
  learners: readonly Learner[];
  /** Their seats, without those that can't be read. */
  seats: PlannedSeat[];
  /** Why the record of an existing seat can't be read, by seat. `class up` leaves it alone. */
  unreadable: ReadonlyMap<string, unknown>;
  /** `undefined`: the seats rent nothing. */
  rented: RentedSeats | undefined;
  /** When the lesson begins, in milliseconds since 1970. */
  readyBy: number | undefined;
  /** Learners who are not in the roster, and those of them with a seat, which stays. */
  left: Member[];
  staying: Member[];
  /** The class as it is on record; `undefined` for a new one, or one that has ended. */
  existing: ClassRecord | undefined;
}

/** How a class's seats are to be made. */
export interface ClassWish {
  spec: ClassSpec;
  /** The targets of every seat, whatever class.yaml and the roster say. */
  targets?: readonly Target[];
  /** The daemons of seats whose host is not named. */
  endpoints: Endpoints;
  /** The only address that may reach rented machines by SSH; absent: this machine's public one. */
  sshFrom?: string;
  /** What is given up. Default: nothing; a host that does not answer is an error. */
  lost?: LostParts;
}

/** The parts of a class that are given up. */
export interface LostParts {
  /** The names of hosts that do not answer: no new seat is placed there. */
  hosts: ReadonlySet<string>;
  /** The class's seats there: they are planned as new ones. */
  seats: ReadonlySet<string>;
}

/**
 * @throws UserError: exit 2 when class.yaml, roster or lab is wrong, when a seat belongs to somebody else, or when the class does
 * not fit on its hosts, into its budget or into the account's quotas; exit 3 when a host does not answer.
 */
export async function planClass(wish: ClassWish): Promise<ClassPlan> {
  const { endpoints, lost = NOTHING_LOST, spec, sshFrom } = wish;
  const [lab, learners, existing] = [
    await loadLab(spec.lab),
    await readRoster(spec.roster),
    await readClass(spec.name),
  ];
  const running = existing?.ended === undefined ? existing : undefined;
  if (running && running.lab !== lab.name) throw anotherLab(running, lab);
  const known = [...(running?.members ?? [])];
  // The class's record may be lost although its seats are there.
  for (const { lab: of, seat } of await seatsNaming(spec.name)) {
    if (of !== lab.name && running === undefined) throw seatsOfAnotherLab(spec.name, of, lab);
    if (of === lab.name && known.every((member) => member.seat !== seat))
      known.push({ seat, name: "", email: "", id: "" });
  }
  const { there: found, unreadable } = await seatsThere(lab.name, learners);
  const existingSeats = learners.filter(({ seat }) => found.has(seat) || unreadable.has(seat));
  await refuseOthers(
    spec.name,
    lab.name,
    existingSeats.map(({ seat }) => seat),
  );
  const there = new Map([...found].filter(([seat]) => !lost.seats.has(seat)));
  const names = new Set(learners.map(({ seat }) => seat));
  const left = known.filter(({ seat }) => !names.has(seat));
  const ofClass = { schema: 1 as const, name: spec.name, lab: lab.name, labDir: lab.dir, created: "" };
  const stays = await seatsOf({ ...ofClass, members: left });
  const hosts = hostsOf(spec, endpoints, [...there.values(), ...recordsOf(stays)]);
  const readable = learners.filter(({ seat }) => !unreadable.has(seat));
  const news = readable.filter(({ seat }) => !there.has(seat));
  // A seat that has only rented so far gets a host with its first machine that is on one.
  const unplaced = readable.filter((learner) => {
    const record = there.get(learner.seat);
    if (record === undefined) return true;
    return !isHosted(record) && (wantedTargets(learner, wish) ?? []).some((target) => target !== "vps");
  });
  const placed = placeSeats(
    unplaced.length,
    hosts
      .filter(({ name }) => !lost.hosts.has(name))
      .map(({ name, now, seats }) => ({ name, seats, taken: now })),
  );
  const full = placed.filter((name) => name === undefined).length;
  if (full > 0) throw noRoom(full, hosts);
  const hostOfSeat = new Map(unplaced.map(({ seat }, i) => [seat, placed[i] ?? ""]));
  const seats = await Promise.all(
    readable.map(async (learner): Promise<PlannedSeat> => {
      const record = there.get(learner.seat);
      const host = hosts.find(({ name, endpoints: at }) =>
        record && isHosted(record) ? isAt(record, at) : name === hostOfSeat.get(learner.seat),
      );
      const targets = wantedTargets(learner, wish);
      const plan = await planSeat({
        lab: lab.dir,
        seat: learner.seat,
        class: spec.name,
        anew: lost.seats.has(learner.seat),
        endpoints: host?.endpoints ?? endpoints,
        ...(targets ? { targets } : {}),
        ...(spec.ttl === undefined ? {} : { ttl: spec.ttl }),
        ...(spec.cloud === undefined ? {} : { cloud: spec.cloud }),
        ...(sshFrom === undefined ? {} : { sshFrom }),
        // The class's budget takes the place of the seat's own.
        ...(spec.budget === undefined ? {} : { budget: Number.POSITIVE_INFINITY }),
      });
      return { learner, plan, host: host?.name ?? ELSEWHERE };
    }),
  );
  const rented = await planRented(
    seats.map(({ plan }) => plan),
    {
      budget: spec.budget ?? Number.POSITIVE_INFINITY,
      vps: lab.vps,
      staying: recordsOf(stays),
    },
  );
  requireAddresses(news.length, (await listSeats()).length - lost.seats.size);
  return {
    ...{ name: spec.name, lab, resume: spec.resume, existing: running },
    ...{ rented, readyBy: spec.readyBy, learners, unreadable },
    seats: withShares(seats, rented),
    ...{ left, staying: stays.map(({ member }) => member) },
    hosts: await Promise.all(hosts.map((host) => hostPlan(host, seats, recordsOf(stays), lab))),
  };
}

const NOTHING_LOST: LostParts = { hosts: new Set(), seats: new Set() };

/** Each rented seat keeps to its share of the class's budget, also when it is extended. */
const withShares = (seats: readonly PlannedSeat[], rented: RentedSeats | undefined): PlannedSeat[] =>
  seats.map((seat) => {
    const budget = rented?.shares.get(seat.learner.seat);
    if (budget === undefined) return seat;
    return { ...seat, plan: { ...seat.plan, request: { ...seat.plan.request, budget } } };
  });

/** The targets that a learner's seat is to have; `undefined`: the lab's. */
export const wantedTargets = (
  learner: Learner,
  { spec, targets }: Pick<ClassWish, "spec" | "targets">,
): readonly Target[] | undefined => targets ?? learner.targets ?? spec.targets;

/** A host's name for seats on none of the class's hosts: all they have is rented, or they were made before class.yaml was changed. */
const ELSEWHERE = "elsewhere";

/** The records of the learners' seats that exist, and why those can't be read that can't, by seat. */
export async function seatsThere(
  lab: string,
  learners: readonly Pick<Learner, "seat">[],
): Promise<{ there: Map<string, SeatRecord>; unreadable: Map<string, unknown> }> {
  const [there, unreadable] = [new Map<string, SeatRecord>(), new Map<string, unknown>()];
  await Promise.all(
    learners.map(async ({ seat }) => {
      try {
        const record = await readRecord({ lab, seat });
        if (record) there.set(seat, record);
      } catch (error) {
        unreadable.set(seat, error);
      }
    }),
  );
  return { there, unreadable };
}

/** @throws UserError (exit 2) when seats with the learners' names exist that are not of this class. */
async function refuseOthers(name: string, lab: string, seats: readonly string[]): Promise<void> {
  const classes = await Promise.all(seats.map((seat) => classesOf({ lab, seat })));
  const whose = seats.flatMap((seat, i) => {
    const [first, ...others] = classes[i] ?? [];
    if (first === name && others.length === 0) return [];
    if (first === undefined) return [`${seat}: a seat of its own`];
    const words = [first, ...others].map((other) => `class "${other}"`).join(" or ");
    return [
      `${seat}: of ${words}${others.length > 0 ? ", which an older trilab did not note in the seat" : ""}`,
    ];
  });
  if (whose.length === 0) return;
  throw new UserError(`some seats of lab "${lab}" exist, and are not of class "${name}"`, {
    why: whose.join("\n"),
    fix: "give these learners other seats in the roster's column seat; or remove those seats: trilab down LAB --seat SEAT",
    exitCode: ExitCode.usage,
  });
}

/** A host as class.yaml names it, and how many seats of the class are there now. */
export interface Host {
  name: string;
  endpoints: Endpoints;
  seats: number;
  now: number;
}

/** Whether a seat has a machine on a host. Rented machines are on none. */
const isHosted = ({ machines }: SeatRecord): boolean =>
  machines.some(({ endpoint }) => endpoint.kind !== "ec2");

/** Whether a seat is on a host with these daemons. */
export const isAt = (seat: SeatRecord, { docker, libvirt }: Endpoints): boolean =>
  isHosted(seat) &&
  seat.machines.every(
    ({ endpoint }) =>
      endpoint.kind === "ec2" || sameEndpoint(endpoint, endpoint.kind === "docker" ? docker : libvirt),
  );

export function hostsOf({ hosts }: ClassSpec, chosen: Endpoints, records: readonly SeatRecord[]): Host[] {
  const listed = hosts ?? [{ name: "default" }];
  return listed.map(({ docker, libvirt, name, seats = Number.POSITIVE_INFINITY, swarm }) => {
    const endpoints: Endpoints = {
      docker:
        docker === undefined ? chosen.docker : { kind: "docker", host: docker, ...(swarm ? { swarm } : {}) },
      libvirt: libvirt === undefined ? chosen.libvirt : { kind: "libvirt", uri: libvirt },
    };
    return { name, endpoints, seats, now: records.filter((record) => isAt(record, endpoints)).length };
  });
}

/** @param staying The seats of learners who have left the roster. */
async function hostPlan(
  { endpoints, name, now }: Host,
  all: readonly PlannedSeat[],
  staying: readonly SeatRecord[],
  lab: Lab,
): Promise<HostPlan> {
  const seats = all.filter(({ host }) => host === name);
  const drivers = driversAt(seats.flatMap(({ plan }) => endpointsOf(plan.drivers)));
  const answers = [drivers.docker, drivers.libvirt].map((driver) => driver?.preflight());
  await Promise.all(answers).catch((error: unknown) => {
    throw error instanceof UserError ? hostSilent(name, error) : error;
  });
  const { cpus, memory } = await hostCapacity(drivers);
  const stay = staying.filter((record) => isAt(record, endpoints));
  const guests = [
    ...seats.flatMap(({ plan }) =>
      plan.targets.filter(
        (target) => (DOMAIN_TARGETS as readonly string[]).includes(target) && !isRented(plan, target),
      ),
    ),
    ...stay.flatMap(({ machines }) => machines.filter(({ endpoint }) => endpoint.kind === "libvirt")),
  ].length;
  const guestMemory = guests * lab.machine.memory;
  // A host with none of the roster's seats is not asked, and gets none.
  if (seats.length > 0 && guestMemory > memory) {
    const most = Math.floor(memory / lab.machine.memory);
    throw new UserError(`the class does not fit on host "${name}"`, {
      why: `${guests} guests are given ${formatSize(lab.machine.memory)} each, which is ${formatSize(guestMemory)}; the host has ${formatSize(memory)}, which is enough for ${most}`,
      fix: "add hosts to class.yaml; use fewer seats; make the lab's machine smaller; or leave the guest out: targets: [container]",
      exitCode: ExitCode.usage,
    });
  }
  return { name, drivers, now, planned: seats.length + stay.length, guestMemory, memory, cpus };
}

const hostSilent = (host: string, error: UserError): UserError =>
  new UserError(
    `host "${host}" ${isRefusal(error) ? "can't be used from this computer" : "does not answer"}`,
    {
      why: messageAndWhy(error),
      fix: isRefusal(error)
        ? `${error.fix ?? "check your keys and your permission to use it (ssh-add -l, trilab doctor --host)"}; then run the command again`
        : "bring it back, and run the command again; or place its seats on the other hosts, which gives up what learners did there: trilab class up --replace-lost",
      exitCode: ExitCode.hostNotReady,
      cause: error,
    },
  );

const isRented = ({ spending }: SeatPlan, target: string): boolean =>
  target === "vps" && spending !== undefined;

/** @throws UserError (exit 2) when there are too few addresses for the new seats. */
function requireAddresses(news: number, used: number): void {
  if (used + news <= SEAT_SLOTS) return;
  throw new UserError("there are too few addresses for the class", {
    why: `${news} new seats and ${used} existing ones need a block each, and there are ${SEAT_SLOTS} blocks`,
    fix: "remove seats that are no longer needed (trilab status, trilab down), or use fewer",
    exitCode: ExitCode.usage,
  });
}

function noRoom(seats: number, hosts: readonly Host[]): UserError {
  const room = hosts.map(({ name, now, seats: most }) => `${name}: ${most} seats, ${now} of them taken`);
  return new UserError(`there is no room for ${seats} ${seats === 1 ? "seat" : "seats"} of the class`, {
    why: room.join("\n"),
    fix: "raise `seats` of a host in class.yaml, or add a host",
    exitCode: ExitCode.usage,
  });
}

const anotherLab = (existing: ClassRecord, lab: Lab): UserError =>
  new UserError(`class "${existing.name}" has another lab`, {
    why: `its seats are of lab "${existing.lab}", and you ask for "${lab.name}"`,
    fix: `take it down first (trilab class down ${existing.name}), or give the new class another name`,
    exitCode: ExitCode.usage,
  });

const seatsOfAnotherLab = (name: string, of: string, lab: Lab): UserError =>
  new UserError(`class "${name}" has seats of another lab`, {
    why: `they are of lab "${of}", and you ask for "${lab.name}"`,
    fix: `write its record again (trilab class up --lab ${of}), then take it down (trilab class down ${name}); or give the new class another name`,
    exitCode: ExitCode.usage,
  });

/** The class's record once the plan is carried out: those who left stay on it. */
export function recordOf({ existing, lab, learners, left, name }: ClassPlan): ClassRecord {
  const members = learners.map(({ targets: _, ...member }) => member);
  const created = existing?.created ?? new Date().toISOString();
  return { schema: 1, name, lab: lab.name, labDir: lab.dir, created, members: [...members, ...left] };
}
