import { closest } from "fastest-levenshtein";
import { ExitCode, UserError } from "../base/errors.js";
import type { MachineSpec } from "./machine-spec.js";
import { formatSize } from "./units.js";

/** What an instance type offers. */
export interface InstanceType {
  /** As EC2 names it: `t3.micro`. */
  name: string;
  vcpus: number;
  /** Bytes. */
  memory: number;
  /**
   * The share of each vCPU that may be used permanently: 0.1 is a tenth. Below 1, the type is burstable: it may use every vCPU
   * fully while it has credits, which it earns by using less than this. 1: no such limit.
   */
  baseline: number;
}

/* The figures are from https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances.html, read in 2026-11. */

const GiB = 2 ** 30;
const type = (name: string, vcpus: number, gib: number, baseline = 1): InstanceType => ({
  name,
  vcpus,
  memory: gib * GiB,
  baseline,
});

/**
 * x86-64 types, cheapest first, but t3 before t3a, because every zone offers t3. The first that fits a spec is used.
 */
export const INSTANCE_TYPES: readonly InstanceType[] = [
  type("t3.nano", 2, 0.5, 0.05),
  type("t3a.nano", 2, 0.5, 0.05),
  type("t3.micro", 2, 1, 0.1),
  type("t3a.micro", 2, 1, 0.1),
  type("t3.small", 2, 2, 0.2),
  type("t3a.small", 2, 2, 0.2),
  type("t3.medium", 2, 4, 0.2),
  type("t3a.medium", 2, 4, 0.2),
  type("t3.large", 2, 8, 0.3),
  type("t3a.large", 2, 8, 0.3),
  type("c7i.large", 2, 4),
  type("m7i.large", 2, 8),
  type("t3.xlarge", 4, 16, 0.4),
  type("t3a.xlarge", 4, 16, 0.4),
  type("c7i.xlarge", 4, 8),
  type("m7i.xlarge", 4, 16),
  type("t3.2xlarge", 8, 32, 0.4),
  type("c7i.2xlarge", 8, 16),
  type("m7i.2xlarge", 8, 32),
  type("c7i.4xlarge", 16, 32),
  type("m7i.4xlarge", 16, 64),
];

/** The type of this name. @throws UserError (exit 2) naming the nearest one. */
export function instanceType(name: string): InstanceType {
  const found = INSTANCE_TYPES.find((t) => t.name === name);
  if (found !== undefined) return found;
  const names = INSTANCE_TYPES.map((t) => t.name);
  throw new UserError(`there is no instance type "${name}" in the catalogue`, {
    why: `it has: ${names.join(", ")}`,
    fix: `did you mean "${closest(name, names)}"?`,
    exitCode: ExitCode.usage,
  });
}

/**
 * The type to rent for a spec: `size` if given, else the first of the catalogue with enough CPUs and memory.
 *
 * @throws UserError (exit 2): no such type, too small a type, or none large enough.
 */
export function instanceTypeFor(spec: Pick<MachineSpec, "cpus" | "memory">, size?: string): InstanceType {
  const meets = (t: InstanceType): boolean => t.vcpus >= spec.cpus && t.memory >= spec.memory;
  const wanted = `the spec needs ${spec.cpus} CPUs and ${formatSize(spec.memory)} of memory`;
  if (size !== undefined) {
    const given = instanceType(size);
    if (meets(given)) return given;
    throw new UserError(`the instance type ${size} is too small`, {
      why: `it has ${given.vcpus} vCPUs and ${formatSize(given.memory)}; ${wanted}`,
      fix: "choose a larger one, leave it out (then the smallest that fits is used), or match the spec to it (vps.match: vps)",
      exitCode: ExitCode.usage,
    });
  }
  const found = INSTANCE_TYPES.find(meets);
  if (found !== undefined) return found;
  throw new UserError("no instance type in the catalogue is large enough", {
    why: wanted,
    fix: "make the machine smaller in lab.yaml",
    exitCode: ExitCode.usage,
  });
}

/** How much CPU time the type may use permanently, in CPUs. */
export const sustainedCpus = (t: InstanceType): number => Number((t.vcpus * t.baseline).toFixed(3));
