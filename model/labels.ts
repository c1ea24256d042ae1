import type { SeatId, Target } from "./naming.js";

/** Who made something, for which seat, and until when: on every resource trilab makes. */
export interface Ownership extends SeatId {
  /** `user@host` of the state directory's owner. */
  owner: string;
  /** ISO 8601, of the seat's first `up`; the same on every later one. */
  created: string;
  /** ISO 8601, or `never`. */
  expires: string;
}

/** The labels as key and value: `trilab.owner`, `trilab.lab`, `trilab.seat`, `trilab.target`, … */
export function ownershipLabels(ownership: Ownership, target: Target): Record<string, string> {
  const { owner, lab, seat, created, expires } = ownership;
  return {
    "trilab.owner": owner,
    "trilab.lab": lab,
    "trilab.seat": seat,
    "trilab.target": target,
    "trilab.created": created,
    "trilab.expires": expires,
  };
}

/** The XML namespace of the same labels in a libvirt domain's metadata. */
export const METADATA_NAMESPACE = "urn:trilab:seat:1";
