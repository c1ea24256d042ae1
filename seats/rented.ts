import { awsDiskGiB } from "../model/aws-disk.js";
import type { Cloud } from "../model/clouds.js";
import { type InstanceType, instanceType, sustainedCpus } from "../model/instance-catalogue.js";
import type { SeatRecord } from "./seat-record.js";

/** What a seat's VPS is, by its instance type: rented whole, whatever the spec asks for. */
export interface RentedShape {
  cloud: Cloud;
  type: InstanceType;
  /** Bytes of its root disk. */
  disk: number;
}

/** @returns `undefined` where the seat has no VPS. */
export function rentedShape({ disk, vps }: Pick<SeatRecord, "disk" | "vps">): RentedShape | undefined {
  if (vps === undefined) return undefined;
  return {
    cloud: vps.cloud,
    type: instanceType(vps.type),
    disk: vps.cloud === "aws" ? awsDiskGiB(disk) * 2 ** 30 : disk,
  };
}

/** What a burstable type may use, in words; `undefined` for one without such a bound. */
export function baselineWords({ cloud, type }: RentedShape): string | undefined {
  if (type.baseline >= 1) return undefined;
  const promise = `a ${type.name} may use ${sustainedCpus(type)} CPU for ever, and all ${type.vcpus} while it has credits`;
  return cloud === "aws"
    ? promise
    : `${promise}; its rehearsal is held to the former by a quota under KVM, and by nothing where it is emulated`;
}
