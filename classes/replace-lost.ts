import { loadLab } from "../labs/load-lab.js";
import type { Endpoints } from "../model/endpoint.js";
import { reporting, type StepEvent, settled } from "../model/events.js";
import type { SeatId, Target } from "../model/naming.js";
import { answersAt } from "../seats/seat-drivers.js";
import { takeDownMany } from "../seats/seats-at-once.js";
import { readClass, withClassLock } from "./class-record.js";
import { type ClassWish, type Host, hostsOf, isAt, seatsThere, wantedTargets } from "./plan-class.js";
import { readRoster } from "./roster.js";

/** The hosts of a class that do not answer, and its seats there. */
export interface Lost {
  hosts: Host[];
  seats: SeatId[];
}

/**
 * Asks every host of a class whether the daemons answer that its seats need.
 *
 * @throws UserError (exit 2) when class.yaml, roster or lab is wrong.
 */
export async function findLost(wish: ClassWish): Promise<Lost> {
  const { endpoints, spec } = wish;
  const [lab, learners, record] = [
    await loadLab(spec.lab),
    await readRoster(spec.roster),
    await readClass(spec.name),
  ];
  const records = [...(await seatsThere(lab.name, learners)).values()];
  const wanted = learners.flatMap((learner) => wantedTargets(learner, wish) ?? lab.targets);
  const hosts = hostsOf(spec, endpoints, records);
  const answers = await Promise.all(hosts.map((host) => answersFor(host.endpoints, wanted)));
  const silent = hosts.filter((_, i) => !answers[i]);
  // A seat with a learner's name that is not of this class is left alone.
  const members = new Set(record?.ended === undefined ? record?.members.map(({ seat }) => seat) : []);
  const lost = records.filter(
    (seat) => members.has(seat.seat) && silent.some((host) => isAt(seat, host.endpoints)),
  );
  return { hosts: silent, seats: lost.map(({ lab, seat }) => ({ lab, seat })) };
}

async function answersFor({ docker, libvirt }: Endpoints, targets: readonly Target[]): Promise<boolean> {
  const needed = [
    ...(targets.includes("container") ? [docker] : []),
    ...(targets.some((target) => target !== "container") ? [libvirt] : []),
  ];
  return (await Promise.all(needed.map(answersAt))).every(Boolean);
}

/** Forgets seats whose host does not answer; what is on other hosts is removed. @throws the first seat's error, if one can't be removed. */
export const forgetLost = (
  name: string,
  seats: readonly SeatId[],
  options: { chosen: Endpoints; signal: AbortSignal },
): AsyncGenerator<StepEvent, void> =>
  reporting((steps) =>
    withClassLock(name, async () => {
      const ends = await settled(takeDownMany(seats, { ...options, hostGone: true }), steps.pass);
      for (const end of ends) if (end.state === "failed") throw end.error;
    }),
  );
