import { awsDiskGiB } from "../model/aws-disk.js";
import type { Cloud } from "../model/clouds.js";
import { type InstanceType, instanceType, sustainedCpus } from "../model/instance-catalogue.js";
import type { SeatRecord } from "./seat-record.js";

/** What a seat's VPS has, by its instance type, whatever the spec says. */
export interface RentedShape {
  cloud: Cloud;
  type: InstanceType;
  /** Bytes of its root disk. */
  disk: number;
}

/** @returns `undefined` if the seat has no VPS. */
export function rentedShape({ disk, vps }: Pick<SeatRecord, "disk" | "vps">): RentedShape | undefined {
  if (vps === undefined) return undefined;
  return {
    cloud: vps.cloud,
    type: instanceType(vps.type),
    disk: vps.cloud === "aws" ? awsDiskGiB(disk) * 2 ** 30 : disk,
  };
}

/** How much CPU a burstable type may use, in words; `undefined` for other types. */
export function baselineWords({ cloud, type }: RentedShape): string | undefined {
  if (type.baseline >= 1) return undefined;
  const promise = `a ${type.name} may use ${sustainedCpus(type)} CPU continuously, and all ${type.vcpus} while it has credits`;
  return cloud === "aws"
    ? promise
    : `${promise}; its rehearsal has this baseline as a quota under KVM, and no quota if it is emulated`;
}
