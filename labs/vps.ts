import { z } from "zod";
import { UserError } from "../base/errors.js";
import { CREDITS, NETWORKS, REGION_NAME } from "../model/clouds.js";
import { instanceTypeFor } from "../model/instance-catalogue.js";
import type { MachineSpec } from "../model/machine-spec.js";
import { CLOUD_REQUESTS } from "./cloud-requests.js";

/** How the VPS of a lab is rented. */
export const vpsSchema = z.strictObject({
  /**
   * Where it comes from. `local`, the default, is a rehearsal on the local hypervisor. A machine that costs money must be
   * requested, by `aws` or `auto`.
   */
  cloud: z.enum(CLOUD_REQUESTS).default("local"),
  /** AWS region; absent: the environment's or the profile's. */
  region: z.string().regex(REGION_NAME, 'is not an AWS region, such as "eu-central-1"').optional(),
  /** Instance type; absent: the smallest that fits the machine. */
  size: z.string().optional(),
  /** `vps`: the other targets get the instance type's CPUs and memory. */
  match: z.enum(["spec", "vps"]).default("spec"),
  spot: z.boolean().default(false),
  /** For burstable types: `unlimited` continues without credits, at a price. */
  credits: z.enum(CREDITS).default("standard"),
  /** A network of the seat's own, or the account's default VPC. */
  network: z.enum(NETWORKS).default("own"),
});
export type VpsWish = z.output<typeof vpsSchema>;

/** What is wrong with the requested size for this machine, or `undefined`. */
export function sizeProblem(
  machine: Pick<MachineSpec, "cpus" | "memory">,
  { match, size }: Pick<VpsWish, "match" | "size">,
): string | undefined {
  try {
    // With `match: vps`, the machine is adapted to the type, so any type fits.
    instanceTypeFor(match === "vps" && size !== undefined ? { cpus: 1, memory: 0 } : machine, size);
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return [error.message, error.why, error.fix].filter(Boolean).join("; ");
    throw error;
  }
}

/** With `match: vps`, returns the machine with the instance type's CPUs and memory, and the type's name; else both unchanged. Pure. */
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
