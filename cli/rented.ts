import type { RentedShape } from "../environments/rented.js";
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
