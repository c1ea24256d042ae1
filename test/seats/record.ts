import { subnetOf } from "../../model/cidr.js";
import { type Ec2Endpoint, type Endpoint, LOCAL } from "../../model/endpoint.js";
import { machineName, type Target } from "../../model/naming.js";
import type { SeatMachine, SeatRecord } from "../../seats/seat-record.js";

type Settings = Partial<SeatRecord> & {
  /** Default container and guest. */
  targets?: readonly Target[];
  /** Where the VPS is rented; absent: rehearsed here. */
  rentedAt?: Ec2Endpoint & { address?: string };
};

/** A seat's record as `up` writes it, with everything local unless told. */
export function seatRecord({
  targets = ["container", "guest"],
  rentedAt,
  ...fields
}: Settings = {}): SeatRecord {
  const id = { lab: fields.lab ?? "l", seat: fields.seat ?? "s", prefix: fields.prefix };
  const slot = fields.slot ?? 3;
  const machine = (target: Target): SeatMachine => {
    const name = machineName(id, target);
    if (target === "vps" && rentedAt) {
      const { address, ...endpoint } = rentedAt;
      return { target, name, endpoint, ...(address === undefined ? {} : { address }) };
    }
    const endpoint: Endpoint = target === "container" ? LOCAL.docker : LOCAL.libvirt;
    return { target, name, endpoint, address: subnetOf(slot, target).address };
  };
  return {
    schema: 2,
    ...{ lab: id.lab, seat: id.seat },
    labDir: `/labs/${id.lab}`,
    owner: "me@here",
    created: "2026-01-01T00:00:00.000Z",
    expires: "never",
    slot,
    machines: targets.map(machine),
    user: "lab",
    image: "0123456789abcdef",
    disk: 4 * 2 ** 30,
    ...fields,
  };
}
