import { ExitCode, UserError } from "../base/errors.js";
import type { Environment, ExecResult } from "../drivers/environment.js";
import { reporting, type StepEvent } from "../model/events.js";
import type { SeatId, Target } from "../model/naming.js";

/** A target's answer to a command. */
export interface TargetAnswer extends ExecResult {
  target: Target;
  /** From the call until the answer, in seconds. */
  seconds: number;
}

export interface RunRequest {
  /** One word: a line of shell; several: a program and its arguments; see shellLine(). */
  command: readonly string[];
  /** As root instead of the login user. Default false. */
  root?: boolean;
  /** Ends the waiting. The commands inside may go on. */
  signal?: AbortSignal;
}

/**
 * Runs a command in several running targets at once, each as `ssh` runs it, however long it takes.
 *
 * @returns an answer for each, in their order. Exit code 255: it could not be reached.
 * @throws UserError (exit 130) when interrupted.
 */
export const runEverywhere = (
  seat: SeatId,
  environments: readonly Environment[],
  { command, root = false, signal }: RunRequest,
): AsyncGenerator<StepEvent, TargetAnswer[]> =>
  reporting(async (steps) => {
    const options = { root, timeoutMs: 0, signal };
    const answers = await Promise.all(
      environments.map((environment) => {
        const { target } = environment;
        const about = { step: "run", title: `${target}: running the command`, passing: true as const };
        return steps.run({ ...about, seat, machine: target }, async (): Promise<TargetAnswer> => {
          const began = performance.now();
          const result = await environment.capture(command, options);
          return { target, ...result, seconds: (performance.now() - began) / 1000 };
        });
      }),
    );
    if (signal?.aborted)
      throw new UserError("the command was interrupted", {
        why: "what it started in the machines may go on",
        exitCode: ExitCode.interrupted,
      });
    return answers;
  });
