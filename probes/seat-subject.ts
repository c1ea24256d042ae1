import { pollUntil } from "../base/poll.js";
import type { Environment, ExecOptions, ExecResult } from "../drivers/environment.js";
import { GuestEnvironment } from "../drivers/libvirt/guest-environment.js";
import type { Machine } from "../drivers/machine.js";
import type { Target } from "../model/naming.js";
import { openTarget } from "../seats/open-target.js";
import { machineOf, type SeatRecord } from "../seats/seat-record.js";
import { ProbeProblem, type Subject } from "./probe.js";
import { settled } from "./settled.js";

/** Milliseconds in which a machine must finish starting. */
const SETTLE_LIMIT = 120_000;

/** A seat's target that is measured. */
export class SeatSubject implements Subject {
  /** Commands in a container run only on these CPUs. Empty: on all. */
  private cpus: readonly number[] = [];
  private unpin: (() => Promise<void>) | undefined;

  private constructor(
    private readonly environment: Environment,
    readonly machine: Machine,
    readonly address: string | undefined,
  ) {}

  static async open(record: SeatRecord, target: Target): Promise<SeatSubject> {
    const { environment, machine } = await openTarget(record, target);
    return new SeatSubject(environment, machine, machineOf(record, target)?.address);
  }

  get target(): Target {
    return this.environment.target;
  }

  get name(): string {
    return this.environment.name;
  }

  async exec(command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const pinned = this.cpus.length > 0 ? ["taskset", "-c", this.cpus.join(","), ...command] : command;
    return this.environment.exec(pinned, options);
  }

  running(): Promise<boolean> {
    return this.machine.running();
  }

  async answer(waitMs: number, signal: AbortSignal): Promise<number> {
    const began = performance.now();
    await this.environment.firstAnswer(["true"], { signal, ownConnection: true }, waitMs);
    return (performance.now() - began) / 1000;
  }

  async settle(signal: AbortSignal): Promise<void> {
    // So that no measured command has to.
    if (this.environment instanceof GuestEnvironment) await this.environment.keepConnections();
    let said = "";
    const started = async (): Promise<boolean> => {
      const result = await settled(this.environment);
      said = result.stderr;
      return result.exitCode === 0;
    };
    if (!(await pollUntil(started, { limitMs: SETTLE_LIMIT, everyMs: 300, signal })))
      throw new ProbeProblem("timeout", `the ${this.target} did not finish starting`, said);
  }

  /** @returns whether its work now runs only on these CPUs of the host. */
  async pin(cpus: readonly number[]): Promise<boolean> {
    if (this.target === "container") {
      const known = await this.environment.exec(["taskset", "-c", cpus.join(","), "true"]);
      if (known.exitCode === 0) this.cpus = cpus;
      return known.exitCode === 0;
    }
    this.unpin = await this.machine.pin(cpus);
    return this.unpin !== undefined;
  }

  async release(): Promise<void> {
    this.cpus = [];
    await this.unpin?.();
    this.unpin = undefined;
  }
}
