import { ExitCode, UserError } from "../base/errors.js";
import { loadLab } from "../labs/load-lab.js";
import type { Endpoints } from "../model/endpoint.js";
import { reporting, type StepEvent, settled } from "../model/events.js";
import type { SeatId, Target } from "../model/naming.js";
import { chooseCloud, type RentRequest, rentingOf } from "../seats/rent-vps.js";
import { answerOf } from "../seats/seat-drivers.js";
import type { SeatRecord } from "../seats/seat-record.js";
import { takeDownMany } from "../seats/seats-at-once.js";
import { withClassLock } from "./class-record.js";
import { classesOf } from "./class-seats.js";
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
 * @throws UserError: exit 2 when class.yaml, roster or lab is wrong; exit 3 when no host answers, or when seats are to be rented and
 * there are no credentials.
 */
export async function findLost(wish: ClassWish): Promise<Lost> {
  const { endpoints, spec } = wish;
  const [lab, learners] = [await loadLab(spec.lab), await readRoster(spec.roster)];
  const { there } = await seatsThere(lab.name, learners);
  const renting = { lab, ...(spec.cloud === undefined ? {} : { cloud: spec.cloud }) };
  const needed = await Promise.all(
    learners.map((learner) =>
      daemonsFor(wantedTargets(learner, wish) ?? lab.targets, there.get(learner.seat), renting),
    ),
  );
  const daemons = [...new Set(needed.flat())];
  const records = [...there.values()];
  const hosts = hostsOf(spec, endpoints, records);
  const answers = await Promise.all(
    hosts.map((host) => Promise.all(daemons.map((daemon) => answerOf(host.endpoints[daemon])))),
  );
  // A host that refuses us is there, and learners may work on it.
  const silent = hosts.filter((_, i) => answers[i]?.includes("silent") && !answers[i].includes("refuses"));
  if (silent.length === hosts.length) throw allSilent(silent);
  const lost = records.filter((seat) => silent.some((host) => isAt(seat, host.endpoints)));
  const classes = await Promise.all(lost.map((seat) => classesOf(seat)));
  return {
    hosts: silent,
    // A seat with a learner's name that is not of this class is left alone.
    seats: lost
      .filter((_, i) => classes[i]?.length === 1 && classes[i][0] === spec.name)
      .map(({ lab, seat }) => ({ lab, seat })),
  };
}

/** With all hosts silent, the fault is more likely on this side, and there is no host for new seats. */
const allSilent = (hosts: readonly Host[]): UserError =>
  new UserError("no host of the class answers", {
    why: `no answer from ${hosts.map(({ name }) => `"${name}"`).join(" and ")}; no seat was given up`,
    fix: "check this computer's network and keys (ssh-add -l), then run the command again; if all of these hosts are gone for good, add another one to class.yaml",
    exitCode: ExitCode.hostNotReady,
  });

/** The daemons that a seat with these targets needs on its host: none for a machine that is rented. */
async function daemonsFor(
  targets: readonly Target[],
  existing: SeatRecord | undefined,
  request: RentRequest,
): Promise<(keyof Endpoints)[]> {
  const rents = targets.includes("vps") && (await chooseCloud(rentingOf(existing), request)) !== "local";
  return targets
    .filter((target) => !(target === "vps" && rents))
    .map((target) => (target === "container" ? "docker" : "libvirt"));
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
