import { randomBytes } from "node:crypto";
import { type LabScript, labScript, wrongSolutions } from "../labs/lab-scripts.js";
import type { Lab } from "../labs/load-lab.js";
import type { ScriptResult } from "../labs/run-script.js";
import type { Task } from "../labs/task-schema.js";
import { drawValues, type Values } from "../labs/variables.js";
import { reporting, type StepEvent, type Steps, settled } from "../model/events.js";
import type { Target } from "../model/naming.js";
import { parseSize } from "../model/units.js";
import { openEnvironment, openMachine } from "../seats/open-target.js";
import { resize } from "../seats/resize.js";
import type { SeatRecord } from "../seats/seat-record.js";
import type { Entry } from "./attempts.js";
import { look } from "./check.js";
import { runInTarget } from "./run-script-in-target.js";
import { limitIn, targetOf } from "./script-options.js";

/** Seconds that solve.sh and wrong-*.sh may take. */
const SOLVE_LIMIT = 180;
/** How often other values are drawn until they differ from the seat's. */
const DRAWS = 50;

/** What a proof found wrong with a lab; none: it holds. */
export interface Proof {
  problems: string[];
  /** Tasks that were proven, and those that need a run of compare or a person. */
  proven: string[];
  notProven: string[];
}

/**
 * Proves on a fresh, set-up seat that the lab's checks can fail and can pass: before anything is done every check says no,
 * with a sentence; wrong solutions change nothing; a solution meets its own task and no other; a second look says the
 * same; another seat's values are refused; what must survive a restart does. The seat's own record is not touched.
 */
export const proveLab = (
  record: SeatRecord,
  lab: Lab,
  values: Values,
  signal?: AbortSignal,
): AsyncGenerator<StepEvent, Proof> =>
  reporting((steps) => new Prover(record, lab, values, steps, signal).run());

class Prover {
  private readonly problems: string[] = [];
  private readonly solved: Task[] = [];
  private entries: Entry[] = [];

  constructor(
    private readonly record: SeatRecord,
    private readonly lab: Lab,
    private readonly values: Values,
    private readonly steps: Steps,
    private readonly signal: AbortSignal | undefined,
  ) {}

  async run(): Promise<Proof> {
    const checks = this.lab.tasks.filter((task) => task.title !== undefined);
    await this.step("before anything is done", async () => {
      for (const task of checks) await this.mustSay(task, "not-met", "before anything is done");
    });
    for (const task of checks) await this.step(task.id, () => this.prove(task, checks));
    await this.proveRestarts(checks);
    await this.step("another seat's values", () => this.proveValues(checks));
    const reads = this.lab.tasks.filter((task) => task.answer?.read !== undefined);
    await this.step("questions", async () => {
      for (const task of reads) await this.proveRead(task);
    });
    const choices = this.lab.tasks.filter((task) => task.answer?.choice !== undefined);
    const proven = [...checks, ...reads, ...choices].map(({ id }) => id);
    const notProven = this.lab.tasks.map(({ id }) => id).filter((id) => !proven.includes(id));
    return { problems: this.problems, proven, notProven };
  }

  private step<T>(title: string, work: () => Promise<T>): Promise<T> {
    this.signal?.throwIfAborted();
    const seat = { lab: this.record.lab, seat: this.record.seat };
    return this.steps.run({ step: `prove ${title}`, title: `${this.lab.name}: ${title}`, seat }, work);
  }

  /** Looks at a task. A task that waits for a restart passes for "met" here, unless it is asked after one. */
  private async outcome(task: Task, values = this.values, afterRestart = false) {
    const found = await look(this.record, this.lab, afterRestart ? task : { ...task, reboot: false }, {
      values,
      entries: this.entries,
      signal: this.signal,
    });
    return found;
  }

  private async mustSay(
    task: Task,
    wanted: "met" | "not-met",
    when: string,
    values = this.values,
  ): Promise<void> {
    const { outcome, output, why } = await this.outcome(task, values);
    if (outcome !== wanted)
      this.problems.push(
        `${task.id}: is ${outcome} ${when}, must be ${wanted}${why ? ` (${why})` : ""}${output ? `\n${output}` : ""}`,
      );
    else if (outcome === "not-met" && !why)
      this.problems.push(`${task.id}: says no ${when} without a sentence`);
  }

  private async prove(task: Task, checks: readonly Task[]): Promise<void> {
    for (const wrong of await wrongSolutions(this.lab.dir, task.id)) {
      await this.act(task, wrong);
      await this.mustSay(task, "not-met", `after ${wrong.name}`);
    }
    const solve = await labScript(this.lab.dir, `tasks/${task.id}`, "solve", targetOf(task, this.lab));
    if (solve === undefined) return; // lintLab says so.
    await this.act(task, solve);
    this.solved.push(task);
    await this.mustSay(task, "met", `after ${solve.name}`);
    await this.mustSay(task, "met", "when looked at again");
    for (const other of checks.filter((each) => !this.solved.includes(each)))
      await this.mustSay(
        other,
        "not-met",
        `after only ${this.solved.map(({ id }) => id).join(", ")} was solved`,
      );
  }

  private async act(task: Task, script: LabScript): Promise<void> {
    const target = targetOf(task, this.lab);
    const { evidence, outcome, output, why } = await this.execute(script, target);
    if (outcome !== "done") this.problems.push(`${task.id}: ${why}\n${output}`.trim());
    else if (evidence.resize) await this.resize(task, script, target, evidence.resize);
  }

  /** A solution that notes `resize SIZE` wants what a learner does from outside: `trilab resize TARGET --memory SIZE`. */
  private async resize(task: Task, script: LabScript, target: Target, size: string): Promise<void> {
    const memory = parseSize(size);
    if (memory === undefined) {
      this.problems.push(
        `${task.id}: ${script.name} notes resize ${size}, which is not a size such as 768MiB`,
      );
      return;
    }
    await settled(resize(this.record, this.lab, target, { memory }), this.steps.pass);
  }

  private execute(script: LabScript, target: Target): Promise<ScriptResult> {
    const options = {
      values: this.values,
      timeout: limitIn(this.record, target, SOLVE_LIMIT),
      signal: this.signal,
    };
    return runInTarget(this.record, target, script, options);
  }

  /** Restarts the targets of tasks that must survive it, once each. */
  private async proveRestarts(checks: readonly Task[]): Promise<void> {
    const tasks = checks.filter(({ reboot }) => reboot);
    for (const target of new Set(tasks.map((task) => targetOf(task, this.lab)))) {
      const own = tasks.filter((task) => targetOf(task, this.lab) === target);
      await this.step(`a restart of the ${target}`, async () => {
        for (const task of own) {
          const { output: _, ...found } = await this.outcome(task, this.values, true);
          if (found.outcome === "met")
            this.problems.push(`${task.id}: is met before the ${target} was restarted`);
          this.entries.push({
            at: new Date().toISOString(),
            kind: "check",
            task: task.id,
            lab: "",
            by: "",
            ...found,
          });
        }
        const machine = await openMachine(this.record, target);
        await machine.stop();
        await machine.start();
        const environment = await openEnvironment(this.record, target);
        await environment.firstAnswer(["true"], { signal: this.signal }, 300_000);
        for (const task of own) {
          const { outcome, why } = await this.outcome(task, this.values, true);
          if (outcome !== "met") this.problems.push(`${task.id}: is ${outcome} after a restart (${why})`);
        }
      });
    }
  }

  /** A check whose task depends on the seat's values must refuse other values. */
  private async proveValues(checks: readonly Task[]): Promise<void> {
    const names = Object.keys(this.lab.vars);
    for (const task of checks) {
      const script = await labScript(this.lab.dir, `tasks/${task.id}`, "check", targetOf(task, this.lab));
      // `$name`, `${name}`, or in `$((…))`.
      const used = names.filter(
        (name) => script && new RegExp(`(?:\\$\\{?|\\$\\(\\([^)]*\\b)${name}\\b`).test(script.text),
      );
      if (used.length === 0) continue;
      await this.mustSay(task, "not-met", "with another seat's values", this.otherValues(used));
    }
  }

  private otherValues(used: readonly string[]): Values {
    for (let draw = 0; draw < DRAWS; draw++) {
      const values = drawValues(this.lab.vars, this.lab.name, randomBytes(16).toString("hex"));
      if (used.every((name) => values[name] !== this.values[name])) return values;
    }
    throw new Error(`the variables ${used.join(", ")} of lab ${this.lab.name} have too few values`);
  }

  private async proveRead(task: Task): Promise<void> {
    const target = task.answer?.read ?? "container";
    const script = await labScript(this.lab.dir, `tasks/${task.id}`, "answer", target);
    if (script === undefined) return; // lintLab says so.
    const { evidence, outcome, why } = await this.execute(script, target);
    if (outcome !== "done" || !evidence.answer)
      this.problems.push(`${task.id}: ${why || `${script.name} notes no answer`}`);
  }
}
