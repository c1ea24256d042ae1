import type { MachineSize } from "../model/machine-size.js";
import type { Target } from "../model/naming.js";
import type { Environment, ExecResult } from "./environment.js";

/** What one machine costs its host, in bytes. */
export interface MemoryCost {
  /** Memory that nobody else can use: the sum of `parts`. It does not depend on what else runs on the host. */
  own: number;
  /** Files in memory: programs, libraries, cache. The host holds them only once for all machines that use them. */
  shared: number;
  /** Who holds it: `processes`, `shim`, `QEMU`. */
  parts: Readonly<Record<string, number>>;
}

/** The process of the host that a machine is, as the host's kernel shows it. */
export interface HostProcess {
  /** Its command's name: process 1 of a container, or QEMU. */
  name: string;
  /** Its number in each PID namespace that it is in, from the host's inwards. */
  numbers: readonly number[];
}

/** The image that a machine was made from, as its host stores it. */
export interface StoredImage {
  /** Bytes that must be copied to another host, not compressed. */
  bytes: number;
  /** Whether it was written to since the machine was made. */
  changed: boolean;
  /** How many files the machine consists of on its host, its own disk included; absent: it does not consist of files. */
  files?: number;
}

/** Runs one line of shell as root inside a machine that answers. */
export type Inside = (line: string) => Promise<ExecResult>;

/** A short-lived machine from the same image as another; its name begins with the other's. */
export interface Clone {
  /** Seconds from the first API call to its first command answered. */
  seconds: number;
  machine: Machine;
  environment: Environment;
  /** Removes it, in any state. */
  remove(): Promise<void>;
}

/** A machine that was packed and is unpacked again, but not started. */
export interface Unpacked {
  /** Starts it and waits for its first answer. */
  start(signal: AbortSignal): Promise<Clone>;
  /** Removes it, in any state. */
  remove(): Promise<void>;
}

/**
 * A deployed target, seen from its host: its power and its cost. Costs are read from /proc and the
 * cgroups, so they need a daemon on this machine.
 */
export interface Machine {
  readonly target: Target;
  readonly name: string;
  /** Name or address of its host; empty for this machine. Machines with the same one can disturb each other. */
  readonly host: string;

  /** Resolves when the daemon has answered, not when the machine answers. Does nothing if it runs. */
  start(): Promise<void>;

  /** Shuts it down (after 40 s, switches it off), and resolves when it is off. Its data stays. */
  stop(): Promise<void>;

  /** @throws UserError when its daemon does not answer. */
  running(): Promise<boolean>;

  /** @throws HostCostError if it can't be read: a remote daemon, no permission. */
  memory(): Promise<MemoryCost>;

  /** @throws HostCostError if it can't be read: it is not running, a remote daemon. */
  process(): Promise<HostProcess>;

  /** @throws HostCostError if it can't be read: a remote daemon. */
  image(): Promise<StoredImage>;

  /** Bytes of the host's disk that this machine alone uses, without the shared image. */
  disk(): Promise<number>;

  /** Seconds of host CPU time it has used since it started. */
  cpuSeconds(): Promise<number>;

  /** Pins it to these host CPUs while it is measured. @returns how to undo it; `undefined` if pinning is not possible. */
  pin(cpus: readonly number[]): Promise<(() => Promise<void>) | undefined>;

  /** Free bytes of the host's disk for more machines like it. */
  diskFree(): Promise<number>;

  /** What it has at present and will have at its next start, whatever its spec says. */
  size(): Promise<MachineSize>;

  /** Why it can't be resized so while it runs; `undefined`: it can, or is off. */
  resizeProblem(change: Partial<MachineSize>): Promise<string | undefined>;

  /**
   * Changes memory or CPUs of a machine, at once where it runs, and for its next start. Done again, it finishes what was
   * interrupted. Resolves when the machine was told, which it may take a moment to follow.
   *
   * @param inside A guest's kernel must be told to use a CPU, or to stop using it. Not called when the machine is off.
   * @throws Error with the daemon's message when it can't be changed.
   */
  resize(change: Partial<MachineSize>, inside: Inside): Promise<void>;

  /**
   * Starts a clone of it and waits for its first answer.
   *
   * @param index from 1; part of its name and of its address. An old clone of that name is removed first.
   * @param signal Ends the waiting early: the clone is removed, and the promise rejects.
   */
  clone(index: number, signal: AbortSignal): Promise<Clone>;

  /**
   * Writes all that it consists of to compressed files, so that it can start where not even its image is. It must be off.
   *
   * @param folder An empty one.
   * @throws HostCostError if its host can't be used from here.
   */
  pack(folder: string, signal: AbortSignal): Promise<void>;

  /**
   * Makes a clone of it from nothing but files that {@link pack} wrote.
   *
   * @param index As for {@link clone}.
   */
  unpack(folder: string, index: number, signal: AbortSignal): Promise<Unpacked>;
}

/** Whether its processes and its share of the host can be looked at and pinned from here. */
export const isOnThisHost = ({ host }: Machine): boolean => host === "";

/** A cost could not be read, and why. */
export class HostCostError extends Error {
  override readonly name = "HostCostError";
}
