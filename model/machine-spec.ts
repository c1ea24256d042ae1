import { z } from "zod";
import { MAX_USER_KEYS, publicKeySchema } from "./guest-contract.js";
import { isUsablePublicKey } from "./public-key.js";
import { isReservedName } from "./reserved-names.js";
import { serviceNameProblem } from "./services.js";
import { formatSize, MiB, parseSize } from "./units.js";

/** One machine, before it is a container, a guest or a VPS. Sizes are in bytes. */
export interface MachineSpec {
  /** Virtual CPUs: a whole number from 1 to 64. */
  cpus: number;
  /** Bytes of memory; there is no swap. */
  memory: number;
  /** Bytes of the root disk; of a container, all files together, as far as its host can keep them to it: docs/security.md. */
  disk: number;
  /** Debian release, by code name. */
  release: string;
  /** Debian packages in addition to the base set, sorted, each once. */
  packages: string[];
  /** Services that run in every target, in the order in which a container starts them; services of other packages don't run then. */
  services: string[];
  /** The login user, uid 1000, in every target. */
  user: string;
  /**
   * OpenSSH public keys that may log in, in addition to the seat's own, as the user and as root. For guest and VPS; a
   * container has no SSH server.
   */
  authorizedKeys: string[];
  /** The largest size that `resize` may give to a machine on this host. Default: see ceilingOf() in machine-size.ts. */
  max?: { cpus?: number | undefined; memory?: number | undefined } | undefined;
}

/** The least memory that boots, in bytes. */
export const LEAST_MEMORY = 256 * MiB;

const size = (least: number) =>
  z
    .string({ error: 'must be a size with a unit, such as "512MiB" or "4GiB"' })
    .transform((text, ctx) => {
      const bytes = parseSize(text);
      if (bytes === undefined) {
        ctx.addIssue(
          `"${text}" is not a size: write a positive number and one of B, KiB, MiB, GiB, TiB, such as "512MiB"`,
        );
        return z.NEVER;
      }
      if (bytes % MiB !== 0) ctx.addIssue(`"${text}" is not a whole number of MiB`);
      if (bytes < least)
        ctx.addIssue(`"${text}" is too small: at least ${formatSize(least)} is needed to boot`);
      return bytes;
    })
    .meta({ description: "A size with an IEC unit: 512MiB, 4GiB" });

const MAX_CPUS = 64;

/** The longest name in Debian has 75 characters. */
const MAX_PACKAGE_LENGTH = 100;

/** Bookworm's packages whose names end in one "+"; names that end in "++" need no list. */
const PLUS_PACKAGES: ReadonlySet<string> = new Set([
  "elpa-ghub+",
  "elpa-ido-completing-read+",
  "elpa-ox-texinfo+",
  "impose+",
  "memtest86+",
  "minisat+",
  "ncbi-blast+",
  "wmweather+",
]);

/** Whether apt would read the word as a command about another package: `bash-` removes bash. */
const isAptCommand = (name: string): boolean =>
  name.endsWith("-") || (/[^+]\+$/.test(name) && !PLUS_PACKAGES.has(name));

const cpus = z
  .number({ error: "must be a whole number of CPUs" })
  .int("must be a whole number of CPUs")
  .min(1, "must be at least 1")
  .max(MAX_CPUS, `must be at most ${MAX_CPUS}`);

/** The spec as lab.yaml spells it: sizes as strings with units, everything optional. */
export const machineSpecSchema = z
  .strictObject({
    cpus: cpus.default(1),
    memory: size(LEAST_MEMORY).default(512 * MiB),
    disk: size(2048 * MiB).default(4096 * MiB),
    release: z
      .enum(["bookworm"], { error: 'must be "bookworm", the release the matched image is built from' })
      .default("bookworm"),
    packages: z
      .array(
        z
          .string()
          .max(MAX_PACKAGE_LENGTH, `is longer than ${MAX_PACKAGE_LENGTH} characters`)
          .regex(/^[a-z0-9][a-z0-9+.-]+$/, "is not a Debian package name")
          .refine((name) => !isAptCommand(name), {
            error: 'is not a Debian package name: apt reads a "-" or "+" at the end as "remove" or "install"',
          }),
      )
      .default([])
      .transform((names) => [...new Set(names)].sort()),
    services: z
      .array(
        z.string().superRefine((name, ctx) => {
          const problem = serviceNameProblem(name);
          if (problem !== undefined) ctx.addIssue(`"${name}" ${problem}`);
        }),
      )
      .default([])
      .transform((names) => [...new Set(names)])
      .meta({
        description:
          "Services to run in every target: nginx. A container starts them by their /etc/init.d scripts, guest and VPS by systemd; other packages' services stay off. Absent: a guest starts what its packages enable, a container nothing",
      }),
    user: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,31}$/, "is not a login name")
      .refine((name) => name !== "root", "must not be root: the seat's key may log in as root anyway")
      .refine(
        (name) => name === "root" || !isReservedName(name),
        "is a user or group of Debian's own: choose another name",
      )
      .default("lab"),
    // The seat's own key is one of them.
    authorizedKeys: z
      .array(
        publicKeySchema.refine(isUsablePublicKey, {
          error: "is not an OpenSSH public key that sshd can use: copy the whole line of the .pub file",
        }),
      )
      .max(MAX_USER_KEYS - 1)
      .default([])
      .meta({
        description:
          "SSH public keys that may log in to guest and VPS, as the user and as root. A container has no SSH server: it is entered through Docker",
      }),
    max: z
      .strictObject({ cpus: cpus.optional(), memory: size(LEAST_MEMORY).optional() })
      .optional()
      .meta({
        description:
          "The largest size that `trilab resize` may give to a machine on this host. Absent: twice the spec, within what the host has",
      }),
  })
  .superRefine(({ cpus, max, memory }, ctx) => {
    if (max?.cpus !== undefined && max.cpus < cpus)
      ctx.addIssue({
        code: "custom",
        path: ["max", "cpus"],
        message: `is ${max.cpus}, less than machine.cpus, ${cpus}`,
      });
    if (max?.memory !== undefined && max.memory < memory)
      ctx.addIssue({
        code: "custom",
        path: ["max", "memory"],
        message: `is ${formatSize(max.memory)}, less than machine.memory, ${formatSize(memory)}`,
      });
  })
  .meta({ id: "MachineSpec" });

export type MachineSpecInput = z.input<typeof machineSpecSchema>;
