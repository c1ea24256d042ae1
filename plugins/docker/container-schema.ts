import { z } from "zod";
import { labelsSchema } from "./labels.js";

/** A duration in Go's format: `1m30s`, `500ms`, `0`. */
export const durationSchema = z
  .string()
  .regex(/^(0|(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+)$/, 'expected a duration such as "30s" or "1m30s"');

const strings = z.array(z.string());
const port = z.int().min(0).max(65535);

/** What a mount of a container and one of a service have in common. */
export const mountFields = {
  type: z.enum(["volume", "bind", "tmpfs"]),
  target: z.string().startsWith("/", "expected an absolute path"),
  source: z.string().optional(),
  readOnly: z.boolean().optional(),
};

export const containerSchema = z.strictObject({
  name: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/, "expected a container name: letters, digits, _ . -"),
  /** An image's name or ID. It is pulled if the daemon does not have it. */
  image: z.string().min(1),
  hostname: z.string().optional(),
  command: strings.optional(),
  entrypoints: strings.optional(),
  /** Whether to run an init process that reaps children. Default: the daemon's. */
  init: z.boolean().optional(),
  user: z.string().optional(),
  workingDir: z.string().optional(),
  /** `NAME=value`. */
  envs: strings.optional(),
  labels: labelsSchema.optional(),
  capabilities: z.strictObject({ adds: strings.optional(), drops: strings.optional() }).optional(),
  securityOpts: strings.optional(),
  /** MiB; 0 or absent: unlimited. */
  memory: z.int().min(0).optional(),
  /** MiB of memory and swap together; -1: unlimited swap. Default: the daemon's, twice the memory. */
  memorySwap: z.int().min(-1).optional(),
  /** The size of /dev/shm in MiB. Default: the daemon's, 64. */
  shmSize: z.int().min(1).optional(),
  /** CPU time, in CPUs: "1.5". */
  cpus: z
    .string()
    .regex(/^\d+(\.\d+)?$/, 'expected a number as text, such as "1.5"')
    .optional(),
  /** Relative weight; 0: the daemon's default, 1024. */
  cpuShares: z.int().min(0).optional(),
  /** The CPUs that it may use: "0-1" or "0,2". */
  cpuSet: z
    .string()
    .regex(/^(\d+(-\d+)?(,\d+(-\d+)?)*)?$/, 'expected a list of CPUs such as "0-1,3"')
    .optional(),
  networksAdvanced: z
    .array(
      z.strictObject({
        /** A network's name or ID. */
        name: z.string().min(1),
        aliases: strings.optional(),
        ipv4Address: z.string().optional(),
      }),
    )
    .optional(),
  networkMode: z.string().optional(),
  volumes: z
    .array(
      z.strictObject({
        containerPath: z.string().optional(),
        hostPath: z.string().optional(),
        volumeName: z.string().optional(),
        fromContainer: z.string().optional(),
        readOnly: z.boolean().optional(),
      }),
    )
    .optional(),
  mounts: z
    .array(
      z.strictObject({
        ...mountFields,
        bindOptions: z.strictObject({ propagation: z.string().optional() }).optional(),
        tmpfsOptions: z
          .strictObject({
            /** The permissions in octal digits, as in the official provider: 1777. */
            mode: z.int().optional(),
            sizeBytes: z.int().optional(),
          })
          .optional(),
        volumeOptions: z
          .strictObject({
            driverName: z.string().optional(),
            driverOptions: z.record(z.string(), z.string()).optional(),
            labels: labelsSchema.optional(),
            noCopy: z.boolean().optional(),
          })
          .optional(),
      }),
    )
    .optional(),
  /** Path → mount options. */
  tmpfs: z.record(z.string(), z.string()).optional(),
  ports: z
    .array(
      z.strictObject({
        internal: port,
        /** 0 or absent: the daemon chooses one. */
        external: port.optional(),
        ip: z.string().optional(),
        protocol: z.enum(["tcp", "udp", "sctp"]).optional(),
      }),
    )
    .optional(),
  restart: z.enum(["no", "on-failure", "always", "unless-stopped"]).optional(),
  /** Only with `restart: on-failure`; 0: no limit. */
  maxRetryCount: z.int().min(0).optional(),
  /** Whether to mount the root file system read-only. */
  readOnly: z.boolean().optional(),
  /** Options of the storage driver: `size`. */
  storageOpts: z.record(z.string(), z.string()).optional(),
  ulimits: z.array(z.strictObject({ name: z.string(), soft: z.int(), hard: z.int() })).optional(),
  hosts: z.array(z.strictObject({ host: z.string(), ip: z.string() })).optional(),
  dns: strings.optional(),
  sysctls: z.record(z.string(), z.string()).optional(),
  logDriver: z.string().optional(),
  logOpts: z.record(z.string(), z.string()).optional(),
  /** Whether it is an error if it does not stay up after its start, and whether to start it again if it has stopped. Default true. */
  mustRun: z.boolean().optional(),
  /** Default true. */
  start: z.boolean().optional(),
  /** Whether the daemon removes the container when it ends. */
  rm: z.boolean().optional(),
  /** Whether to wait for its end. */
  attach: z.boolean().optional(),
  /** With `attach`: whether to store its output in `containerLogs`. */
  logs: z.boolean().optional(),
  /** Whether to wait until its health check succeeds. */
  wait: z.boolean().optional(),
  /** For `wait`, in seconds. Default 60. */
  waitTimeout: z.number().positive().optional(),
  /** Seconds that it has to end after SIGTERM before it is removed. Default: it is killed at once. */
  destroyGraceSeconds: z.int().min(0).optional(),
  /** Seconds that `docker stop` waits. */
  stopTimeout: z.int().min(0).optional(),
  stopSignal: z.string().optional(),
  privileged: z.boolean().optional(),
  /** Whether to remove its anonymous volumes with it. Default true. */
  removeVolumes: z.boolean().optional(),
  groupAdds: strings.optional(),
  cgroupnsMode: z.enum(["private", "host"]).optional(),
  ipcMode: z.string().optional(),
  pidMode: z.string().optional(),
  healthcheck: z
    .strictObject({
      /** `["CMD", …]`, `["CMD-SHELL", …]` or `["NONE"]`. */
      tests: strings.min(1),
      interval: durationSchema.optional(),
      timeout: durationSchema.optional(),
      startPeriod: durationSchema.optional(),
      retries: z.int().min(0).optional(),
    })
    .optional(),
});

export type ContainerInputs = z.output<typeof containerSchema>;

const UNITS: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** A Go duration in nanoseconds, the daemon's unit. */
export function nanoseconds(duration: string): number {
  let total = 0;
  for (const [, number, unit] of duration.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g))
    total += Number(number) * (UNITS[unit ?? ""] ?? 0);
  return total;
}
