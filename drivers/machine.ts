import type { Target } from "../model/naming.js";
import type { Environment } from "./environment.js";

/** What one machine costs its host, in bytes. */
export interface MemoryCost {
  /** What nobody else can use: `parts` summed. It is the same whatever else runs on the host. */
  own: number;
  /** Files in memory: programs, libraries, cache. The host holds them once, for all machines that use them. */
  shared: number;
  /** Who holds it: `processes`, `shim`, `QEMU`. */
  parts: Readonly<Record<string, number>>;
}

/** What bounds a machine. */
export interface MachineSize {
  /** Bytes. */
  memory: number;
  /** A container's may be a fraction. */
  cpus: number;
}

/** A machine made from the same image as another, for a short time; its name begins with the other's. */
export interface Clone {
  /** Seconds from the first API call to its first command answered. */
  seconds: number;
  machine: Machine;
  environment: Environment;
  /** Takes it away, whatever state it is in. */
  remove(): Promise<void>;
}

/**
 * A deployed target from the host's side: its power switch and what it costs. Costs are read from /proc and the
 * cgroups, so they need a daemon on this machine.
 */
export interface Machine {
  readonly target: Target;
  readonly name: string;

  /** Resolves when the daemon has answered, not when the machine does. No-op while it runs. */
  start(): Promise<void>;

  /** Stops it in good order (after 40 s without), and resolves when it is off. What it stored stays. */
  stop(): Promise<void>;

  running(): Promise<boolean>;

  /** @throws HostCostError where it can't be read: a remote daemon, no right to. */
  memory(): Promise<MemoryCost>;

  /** Bytes of the host's disk that are this machine's own, not the shared image's. */
  disk(): Promise<number>;

  /** Seconds of host CPU time it has used since it started. */
  cpuSeconds(): Promise<number>;

  /** Keeps its work on these host CPUs while it is measured. @returns the undoing; `undefined` where it can't. */
  pin(cpus: readonly number[]): Promise<(() => Promise<void>) | undefined>;

  /** Bytes of the host's disk that are free for more like it. */
  diskFree(): Promise<number>;

  /** What it has now while it runs, whatever its spec says: memory in bytes, CPUs. */
  size(): Promise<MachineSize>;

  /**
   * Tries to change a running machine's memory (bytes) or CPUs.
   *
   * @throws Error with the daemon's words when it can't be changed live.
   */
  resize(change: Partial<MachineSize>): Promise<void>;

  /**
   * Starts another like it and waits for its first answer.
   *
   * @param index from 1; part of its name and of its address. A left-over of that name is removed first.
   * @param signal Ends the waiting early: it is taken away again, and the promise rejects.
   */
  clone(index: number, signal: AbortSignal): Promise<Clone>;
}

/** A cost could not be read, and why. */
export class HostCostError extends Error {
  override readonly name = "HostCostError";
}
