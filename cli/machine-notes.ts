import type { Target } from "../model/naming.js";
import { formatUsd, type RunningCost } from "../model/prices.js";
import type { RentedShape } from "../seats/rented-shape.js";
import type { Style } from "./context.js";

/** The note on a seat's VPS at the end of `up`: that it is a rehearsal, or that it costs money. */
export function cloudNotes(
  rented: RentedShape | undefined,
  style: Style,
  cost?: RunningCost | null,
): string[] {
  if (rented === undefined) return [];
  const { cloud, type } = rented;
  return cloud === "aws"
    ? [
        style.warn(
          `The VPS is rented from AWS (${type.name}) and costs money until it is taken down${cost ? `: ${formatUsd(cost.perHour)} an hour${cost.untilEnd === null ? "" : `, ${formatUsd(cost.untilEnd)} by its end`}` : ""}.`,
        ),
      ]
    : [
        style.warn(
          `The VPS is a rehearsal, not a cloud: a machine with the shape of a ${type.name} on the local hypervisor. For a rented one: --cloud aws.`,
        ),
      ];
}

/** Which machines are emulated because KVM does not work, and what that means. */
export function emulationNote(targets: readonly Target[], rented: RentedShape | undefined): string {
  const machines = [targets.includes("guest") && "guest", rented?.cloud === "local" && "VPS"].filter(Boolean);
  const [are, its] = machines.length > 1 ? ["are", "their"] : ["is", "its"];
  return `The ${machines.join(" and the ")} ${are} emulated, because KVM does not work here: the same system, but slower, and ${its} CPU figures say nothing about VMs with KVM.`;
}
