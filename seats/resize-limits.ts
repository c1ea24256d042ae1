import { ExitCode, UserError } from "../base/errors.js";
import { hostCapacity } from "../hosts/capacity.js";
import type { Lab } from "../labs/load-lab.js";
import { ceilingOf, type MachineSize } from "../model/machine-size.js";
import { LEAST_MEMORY } from "../model/machine-spec.js";
import type { Target } from "../model/naming.js";
import { formatSize, MiB } from "../model/units.js";
import { firstSize } from "./present-size.js";
import { driversAt } from "./seat-drivers.js";
import type { SeatMachine, SeatRecord } from "./seat-record.js";
import type { SizeSession } from "./size-session.js";

/** What to change; at least one. Memory in bytes. */
export type ResizeWish = Partial<MachineSize>;

/** What a machine must keep free, in bytes: with less, its kernel is busy making room, or ends processes. */
const LEEWAY = 32 * MiB;

/** @throws UserError (exit 2) when less memory is wanted than is in use. */
export function requireFree(
  target: Target,
  from: MachineSize,
  to: MachineSize,
  { first, used }: Pick<SizeSession, "first" | "used">,
): void {
  const kernel = target === "container" ? 0 : Math.max(0, from.memory - first.memory);
  const least = Math.ceil((used + kernel + LEEWAY) / MiB) * MiB;
  if (to.memory >= least) return;
  const share = kernel > 0 ? `, and its kernel has ${formatSize(kernel)} for itself` : "";
  throw new UserError(`the ${target} uses more memory than ${formatSize(to.memory)}`, {
    why: `${formatSize(used)} of its memory are in use and can't be freed${share}; ${formatSize(LEEWAY)} must stay free`,
    fix: `choose at least ${formatSize(least)}, or end what uses its memory`,
    exitCode: ExitCode.usage,
  });
}

/** @throws UserError when the machine can't become so large or small, or its host has less. */
export async function requireAllowed(
  record: SeatRecord,
  lab: Lab,
  { ceiling: fixed, endpoint, target }: SeatMachine,
  { memory, cpus }: ResizeWish,
): Promise<void> {
  const refuse = (why: string, fix: string, exitCode: ExitCode = ExitCode.usage): UserError =>
    new UserError(`the ${target} of seat "${record.seat}" can't be resized`, { why, fix, exitCode });
  if (memory !== undefined && memory < LEAST_MEMORY)
    throw refuse(
      `${formatSize(memory)} is too little memory to boot`,
      `choose at least ${formatSize(LEAST_MEMORY)}`,
    );
  if (cpus !== undefined && target !== "container" && !Number.isInteger(cpus))
    throw refuse(
      `${cpus} is not a whole number of CPUs; a container gets CPU time, but a ${target} has CPUs`,
      `choose ${Math.ceil(cpus)}`,
    );
  if (endpoint.kind === "ec2") throw new Error("a rented machine changes its type");
  const host = await hostCapacity(driversAt([endpoint]));
  const first = firstSize(record, lab.machine, target);
  const anew = `trilab down ${record.lab} --seat ${record.seat}, then trilab up: this deletes everything in the seat's machines`;
  const ceiling = target === "container" ? ceilingOf(first, lab.machine.max, host) : fixed;
  if (ceiling === undefined)
    throw refuse(
      "it has no device to grow or shrink by: it was made by an older trilab, or its host's libvirt is older than 8.0",
      `make it again: ${anew}`,
    );
  const asked = { memory, cpus };
  const format = { memory: formatSize, cpus: String };
  const over = (limit: MachineSize): string[] =>
    (["memory", "cpus"] as const).flatMap((key) => {
      const value = asked[key];
      return value !== undefined && value > limit[key]
        ? [`${key}: ${format[key](value)} is asked for, the limit is ${format[key](limit[key])}`]
        : [];
    });
  const overHost = over(host);
  if (overHost.length > 0)
    throw refuse(
      `its host does not have so much\n${overHost.join("\n")}`,
      "choose less, or make the seat on a larger host",
      ExitCode.hostNotReady,
    );
  const overCeiling = over(ceiling);
  if (overCeiling.length > 0)
    throw refuse(
      `it is above its ceiling\n${overCeiling.join("\n")}`,
      target === "container"
        ? "choose less, or set machine.max in lab.yaml"
        : `choose less; a guest's ceiling is a part of its definition. For a higher one, set machine.max in lab.yaml, then ${anew}`,
    );
}
