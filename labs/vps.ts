import { z } from "zod";
import { UserError } from "../base/errors.js";
import { CREDITS, NETWORKS, REGION_NAME } from "../model/clouds.js";
import { instanceTypeFor } from "../model/instance-catalogue.js";
import type { MachineSpec } from "../model/machine-spec.js";
import { CLOUD_WISHES } from "./cloud-wishes.js";

/** How the VPS of a lab is rented. */
export const vpsSchema = z.strictObject({
  /**
   * Who rents it out. `local`, the default, is a rehearsal on the local hypervisor: a machine that costs money has to be
   * asked for, by `aws` or `auto`.
   */
  cloud: z.enum(CLOUD_WISHES).default("local"),
  /** AWS region; absent: the environment's or the profile's. */
  region: z.string().regex(REGION_NAME, 'is no AWS region, such as "eu-central-1"').optional(),
  /** Instance type; absent: the smallest that has what the machine asks for. */
  size: z.string().optional(),
  /** `vps`: the other targets get the instance type's CPUs and memory. */
  match: z.enum(["spec", "vps"]).default("spec"),
  spot: z.boolean().default(false),
  /** Of a burstable type: `unlimited` goes on beyond its credits, at a price. */
  credits: z.enum(CREDITS).default("standard"),
  /** A network of the seat's own, or the account's default VPC. */
  network: z.enum(NETWORKS).default("own"),
});
export type VpsWish = z.output<typeof vpsSchema>;

/** What is wrong with the size wished for this machine, or `undefined`. */
export function sizeProblem(
  machine: Pick<MachineSpec, "cpus" | "memory">,
  { match, size }: Pick<VpsWish, "match" | "size">,
): string | undefined {
  try {
    // A machine that is matched to the type fits any.
    instanceTypeFor(match === "vps" && size !== undefined ? { cpus: 1, memory: 0 } : machine, size);
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return [error.message, error.why, error.fix].filter(Boolean).join("; ");
    throw error;
  }
}

/** With `match: vps` the machine of the instance type's shape, and the type by name; else both as they are. Pure. */
export function matchedToVps<M extends Pick<MachineSpec, "cpus" | "memory">>(
  machine: M,
  vps: VpsWish,
): { machine: M; vps: VpsWish } {
  if (vps.match !== "vps") return { machine, vps };
  const type = instanceTypeFor(vps.size === undefined ? machine : { cpus: 1, memory: 0 }, vps.size);
  return {
    machine: { ...machine, cpus: type.vcpus, memory: type.memory },
    vps: { ...vps, size: type.name },
  };
}
