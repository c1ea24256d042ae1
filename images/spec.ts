import { createHash } from "node:crypto";
import { ExitCode, UserError } from "../base/errors.js";
import { basePackages } from "../model/base-packages.js";
import { isReservedName } from "../model/reserved-names.js";
import { serviceNameProblem } from "../model/services.js";
import { recipeDigest, servicesDigest } from "./assets.js";

/** What a matched image is made from. */
export interface ImageSpec {
  /** Debian release by code name: `bookworm`. */
  release: string;
  /** Debian packages in addition to `basePackages`. Order and repetition do not matter. */
  packages: readonly string[];
  /** The services to start, in this order, instead of those of all packages. Absent: those that Debian starts, and only under systemd. */
  services?: readonly string[];
  /** The login user: uid 1000, with a home folder, bash and a locked password. */
  user: string;
  /** Size of the guest's disk in bytes, a multiple of 1 MiB; at least 1 GiB. */
  diskBytes: number;
}

/** Raise it if a change of the code, not of a recipe file, changes the image. */
const recipeVersion = 1;
const mib = 1024 ** 2;

/** All problems of a spec, each with the field, its value and what is allowed. Empty if it is valid. */
export function imageSpecProblems(spec: ImageSpec): string[] {
  const problems: string[] = [];
  if (!/^[a-z]{2,32}$/.test(spec.release))
    problems.push(`release: ${JSON.stringify(spec.release)} is not a Debian code name such as "bookworm"`);
  for (const [index, name] of spec.packages.entries())
    if (!/^[a-z0-9][a-z0-9+.-]{1,127}$/.test(name))
      problems.push(`packages[${index}]: ${JSON.stringify(name)} is not a Debian package name`);
  for (const [index, name] of (spec.services ?? []).entries()) {
    const problem = serviceNameProblem(name);
    if (problem !== undefined) problems.push(`services[${index}]: ${JSON.stringify(name)} ${problem}`);
  }
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(spec.user) || isReservedName(spec.user))
    problems.push(
      `user: ${JSON.stringify(spec.user)} must be lower-case letters, digits and "-", and no user or group of Debian`,
    );
  if (!Number.isSafeInteger(spec.diskBytes) || spec.diskBytes < 1024 * mib || spec.diskBytes % mib !== 0)
    problems.push(`diskBytes: ${spec.diskBytes} must be a multiple of 1 MiB, at least 1 GiB (1073741824)`);
  return problems;
}

/** @throws UserError (exit 2) that lists all problems. */
export function checkImageSpec(spec: ImageSpec): void {
  const problems = imageSpecProblems(spec);
  if (problems.length > 0)
    throw new UserError("the image's description is not valid", {
      why: problems.join("\n"),
      fix: "correct these fields of the machine in lab.yaml",
      exitCode: ExitCode.usage,
    });
}

/** The base packages and those of the spec, each once, sorted. */
export function allPackages(spec: Pick<ImageSpec, "packages">): string[] {
  return [...new Set([...Object.keys(basePackages), ...spec.packages])].sort();
}

/** The root file system's name: 16 hex digits, a hash of release, packages, services, user and recipe, but not of the disk's size. */
export function rootHash(spec: Omit<ImageSpec, "diskBytes">): string {
  const { release, services = [], user } = spec;
  const added = services.length > 0 ? [services, servicesDigest()] : [];
  return shortHash([recipeVersion, recipeDigest(), process.arch, release, allPackages(spec), user, ...added]);
}

/** The image's name: 16 hex digits, a hash of the root file system's hash and the disk's size. */
export function imageHash(spec: ImageSpec): string {
  return shortHash([rootHash(spec), spec.diskBytes]);
}

function shortHash(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}
