import { ExitCode, UserError } from "../base/errors.js";
import { isSwarm } from "../model/endpoint.js";
import type { Target } from "../model/naming.js";
import { machineOf, type SeatRecord } from "./seat-record.js";

/** Whether a target is a service of a Docker Swarm. */
export function isOnSwarm(record: Pick<SeatRecord, "machines">, target: Target): boolean {
  const endpoint = machineOf(record, target)?.endpoint;
  return endpoint !== undefined && isSwarm(endpoint);
}

/** What a Swarm's service can't do, because each change makes its container anew, and what to do instead. */
const CANNOT = {
  stop: ["be stopped and started", "leave it running; to free its memory, take the seat down: trilab down"],
  reset: ["be reset in place", "make a new one: trilab down, then trilab up"],
  snapshot: ["be saved under a name", "copy out what you need: trilab cp"],
  resize: ["be resized", "change `machine` in lab.yaml, then make a new one: trilab down, then trilab up"],
  compare: ["be measured", "compare a seat on one host: trilab up --seat NAME --docker ADDRESS"],
} as const;

/** @throws UserError (exit 2) when one of the targets is a Swarm's service, which can't do this. */
export function refuseOnSwarm(
  record: SeatRecord,
  targets: readonly Target[],
  what: keyof typeof CANNOT,
): void {
  const target = targets.find((each) => isOnSwarm(record, each));
  if (target === undefined) return;
  const [words, instead] = CANNOT[what];
  const others = targets.filter((each) => each !== target);
  const besides = others.length > 0 ? `; for the ${others.join(" and ")} alone, name it` : "";
  throw new UserError(
    `the ${target} of seat "${record.seat}" can't ${words}: it is a service of a Docker Swarm`,
    {
      why: "a Swarm makes the container anew for every change and every start: what is outside of its home would be lost",
      fix: `${instead}${besides}`,
      exitCode: ExitCode.usage,
    },
  );
}
