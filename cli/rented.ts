import type { Target } from "../model/naming.js";
import type { RentedShape } from "../seats/rented.js";
import type { Style } from "./context.js";

/** What must be said of a seat's VPS at the end of `up`: that it is none, or that it costs money. */
export function cloudNotes(rented: RentedShape | undefined, style: Style): string[] {
  if (rented === undefined) return [];
  const { cloud, type } = rented;
  return cloud === "aws"
    ? [style.warn(`The VPS is rented from AWS (${type.name}) and costs money until it is taken down.`)]
    : [
        style.warn(
          `The VPS is a rehearsal, not a cloud: a machine of a ${type.name}'s shape on this host's hypervisor. For a rented one: --cloud aws.`,
        ),
      ];
}

/** Which machines are emulated, where KVM does not work, and what that means. */
export function emulationNote(targets: readonly Target[], rented: RentedShape | undefined): string {
  const machines = [targets.includes("guest") && "guest", rented?.cloud === "local" && "VPS"].filter(Boolean);
  const [are, its] = machines.length > 1 ? ["are", "their"] : ["is", "its"];
  return `The ${machines.join(" and the ")} ${are} emulated, as KVM does not work here: the same system, slower; ${its} CPU figures say nothing of real VMs.`;
}
