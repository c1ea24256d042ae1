import { Once } from "../base/once.js";
import { randomNumbers } from "../base/random.js";
import { type Ended, sideBySide } from "../base/side-by-side.js";
import { canaryFirst } from "./canary-first.js";
import { type Place, placeSeats } from "./place-seats.js";
import { SimulatedTime } from "./simulated-time.js";

/** What a seat takes, in seconds of one CPU that it has alone: see measure-seat.ts. */
export interface SeatCosts {
  /** Of the computer with trilab: engine and plugins. */
  control: number;
  /** Of its host: its machines' start, until they have answered. */
  host: number;
  /** Once for each host: image, storage and golden guest. */
  image: number;
}

/** What goes wrong. */
export interface Faults {
  /** Hosts that stop answering, and when, in seconds. */
  lost: readonly { host: string; at: number }[];
  /** How many times as long an image takes to reach a host. Default 1. */
  slowImage: number;
  /** The share of starts that a host refuses, from 0 to 1. */
  refused: number;
  /** How many requests for new machines are accepted in a second, all hosts together. Default: any number. */
  perSecond: number;
}

export const NO_FAULTS: Faults = { lost: [], slowImage: 1, refused: 0, perSecond: Number.POSITIVE_INFINITY };

export interface RehearsalRequest {
  seats: number;
  hosts: readonly Place[];
  /** CPUs of each host, and of the computer with trilab. */
  cpus: number;
  costs: SeatCosts;
  /** Machines do not share their host's CPUs, because each is rented. Default false. */
  ownCpus?: boolean;
  faults: Faults;
  /** How many seats are handled at once. */
  workers: number;
  /** The same seed, the same refusals. */
  seed: string;
}

export interface Rehearsal {
  /** Seconds from the begin until each seat was ready, in the order of their readiness. */
  ready: number[];
  /** Seconds until the last seat was ready, or had failed. */
  seconds: number;
  /** Seats by host, placed and ready. */
  hosts: { name: string; placed: number; ready: number }[];
  /** Reasons, and how many seats have failed by each after the second attempt. */
  failures: Record<string, number>;
  /** Seats that were not begun, as the first two had failed. */
  notBegun: number;
}

/** How long a host that does not answer is waited for, in seconds. */
const SILENCE = 15;
/** The computer with trilab. */
const CONTROL = "";

interface SimulatedSeat {
  host: string;
}

/**
 * Brings a class up on simulated hosts, with the placement and the order of the real one (placeSeats, canaryFirst, sideBySide). Seats that
 * find no room fail. Pure, but for the time that it takes.
 */
export async function rehearse(request: RehearsalRequest): Promise<Rehearsal> {
  const { costs, cpus, faults, hosts, workers } = request;
  const time = new SimulatedTime(() => cpus);
  const random = randomNumbers(request.seed);
  const shared = new Once();
  const ready: { at: number; host: string }[] = [];
  let [requests, last] = [0, 0];

  const requireAnswer = async (host: string): Promise<void> => {
    const lost = faults.lost.find((fault) => fault.host === host);
    if (lost === undefined || time.now < lost.at) return;
    await time.pause(SILENCE);
    throw new Error(`${host} does not answer`);
  };
  /** Waits until a request is accepted. */
  const accepted = async (): Promise<void> => {
    if (!Number.isFinite(faults.perSecond)) return;
    requests = Math.max(requests, time.now) + 1 / faults.perSecond;
    await time.pause(requests - time.now);
  };
  const bringUp = async ({ host }: SimulatedSeat): Promise<void> => {
    await requireAnswer(host);
    await shared.get(`image ${host}`, () => time.work(host, costs.image * faults.slowImage));
    await time.work(CONTROL, costs.control);
    await accepted();
    if (random() < faults.refused) throw new Error("the host refuses another machine");
    await requireAnswer(host);
    if (request.ownCpus) await time.pause(costs.host);
    else await time.work(host, costs.host);
    await requireAnswer(host);
    ready.push({ at: time.now, host });
  };

  const placed = placeSeats(request.seats, hosts);
  const seats = placed.flatMap((host): SimulatedSeat[] => (host === undefined ? [] : [{ host }]));
  const ends = await time.run(
    canaryFirst<SimulatedSeat, Ended<void>>(seats, {
      isNew: () => true,
      bringUp: (some) => sideBySide(some, bringUp, { workers, groupOf: ({ host }) => host }),
      isDone: ({ state }) => state === "done",
      isWorthAnother: ({ state }) => state === "failed",
      renew: async (some) => some,
    }),
  );
  last = time.now;
  const failures: Record<string, number> = {};
  const fail = (why: string): void => {
    failures[why] = (failures[why] ?? 0) + 1;
  };
  for (const end of ends) if (end?.state === "failed") fail((end.error as Error).message);
  for (let i = seats.length; i < request.seats; i += 1) fail("no host has room");
  return {
    ready: ready.map(({ at }) => at).sort((a, b) => a - b),
    seconds: last,
    hosts: hosts.map(({ name }) => ({
      name,
      placed: seats.filter(({ host }) => host === name).length,
      ready: ready.filter(({ host }) => host === name).length,
    })),
    failures,
    notBegun: ends.filter((end) => end === undefined || end.state === "not begun").length,
  };
}
