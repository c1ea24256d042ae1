import type { ExecOptions } from "../drivers/environment.js";
import { type Inside, ProbeProblem } from "./probe.js";

/**
 * Runs a command inside for at most `seconds`. `timeout` ends it there, too.
 *
 * @returns its standard output.
 * @throws ProbeProblem if the tool is missing, its time is over, the place is gone, or it failed.
 */
export async function runIn(
  inside: Inside,
  command: readonly string[],
  seconds: number,
  options: ExecOptions = {},
): Promise<string> {
  const result = await inside.exec(["timeout", "-k", "1", String(seconds), ...command], {
    ...options,
    timeoutMs: (seconds + 5) * 1000,
  });
  if (result.exitCode === 0) return result.stdout;
  const said = `${result.stdout}\n${result.stderr}`.trim();
  if (/failed to run command|: (command )?not found$/m.test(said))
    throw new ProbeProblem("missing-tool", `${command[0]} is not in the image`, said);
  if (result.exitCode === 124 || result.exitCode === 137 || /timed out/i.test(result.stderr))
    throw new ProbeProblem("timeout", `ended after ${seconds} s`, said);
  if (!(await inside.running()))
    throw new ProbeProblem("lost", `the ${inside.target} is not running any more`, said);
  throw new ProbeProblem(
    "failed",
    `${command[0]} failed (exit ${result.exitCode}): ${said.split("\n").at(-1) ?? ""}`,
    said,
  );
}

/** The number in a pattern's first group. @throws ProbeProblem (unparsable) with the text, if there is none. */
export function numberIn(output: string, pattern: RegExp, what: string): number {
  const value = Number(pattern.exec(output)?.[1] ?? Number.NaN);
  if (Number.isFinite(value)) return value;
  throw new ProbeProblem("unparsable", `there is no ${what} in the output`, output);
}
