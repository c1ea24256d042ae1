import { join } from "node:path";
import { execa } from "execa";
import { readUserFile } from "../base/files.js";
import { which } from "../base/privilege.js";
import { type LabScript, labScript, wrongSolutions } from "../labs/lab-scripts.js";
import type { Lab } from "../labs/load-lab.js";
import type { Task } from "../labs/task-schema.js";
import { targetOf } from "./script-options.js";

/**
 * What is wrong with a lab's files, without a machine: each check needs a solve and the other way round, each `read` an
 * answer.sh, every script must be valid bash (and pass shellcheck, where it is installed), and the guide must lead to the lab's tasks.
 */
export async function lintLab(lab: Lab): Promise<string[]> {
  const problems: string[] = [];
  const scripts: LabScript[] = [];
  const need = async (task: string, name: string, target: Parameters<typeof labScript>[3]): Promise<void> => {
    const script = await labScript(lab.dir, `tasks/${task}`, name, target);
    if (script) scripts.push(script);
    else problems.push(`task ${task}: tasks/${task}/${name}.sh is missing`);
  };
  for (const task of lab.tasks) {
    if (task.title !== undefined) {
      await need(task.id, "check", targetOf(task, lab));
      await need(task.id, "solve", targetOf(task, lab));
      scripts.push(...(await wrongSolutions(lab.dir, task.id)));
    } else if (task.answer?.read) await need(task.id, "answer", task.answer.read);
  }
  for (const target of lab.targets) {
    const setup = await labScript(lab.dir, "", "setup", target);
    if (setup) scripts.push(setup);
  }
  const guide = await readUserFile(join(lab.dir, "guide.md"), "the guide");
  problems.push(...(guide === undefined ? ["guide.md is missing"] : guideProblems(guide, lab.tasks)));
  const unique = [...new Map(scripts.map((script) => [script.name, script])).values()];
  for (const script of unique) problems.push(...(await scriptProblems(script, Object.keys(lab.vars))));
  return problems;
}

/**
 * Where a guide and its lab's tasks do not fit: a command that names no such task, a question that the guide does not lead to. And
 * here-documents: `trilab guide` indents code, and what is copied from there never has the line that ends one. Pure.
 */
export function guideProblems(guide: string, tasks: readonly Task[]): string[] {
  const commands = [...guide.matchAll(/^ {4}trilab (check|answer|hint) ([a-z][a-z0-9-]*)/gm)];
  const named = (command: string | undefined, id: string | undefined): boolean =>
    tasks.some((task) => task.id === id && (command !== "answer" || task.ask !== undefined));
  const hereDocument = /^ {4}.*<<-? *['"]?[A-Za-z_].*$/m.exec(guide)?.[0];
  return [
    ...(hereDocument
      ? [`guide.md: "${hereDocument.trim()}" can't be copied from a terminal; use printf or echo`]
      : []),
    ...commands.flatMap(([, command, id]) =>
      named(command, id) ? [] : [`guide.md: "trilab ${command} ${id}" names no such task`],
    ),
    ...tasks.flatMap(({ ask, id }) =>
      ask === undefined || commands.some(([, command, task]) => command === "answer" && task === id)
        ? []
        : [`guide.md: has no "trilab answer ${id}"`],
    ),
  ];
}

/** Names that every script has: labs/run-script.ts. */
const GIVEN = ["lab", "seat", "target", "user"];

async function scriptProblems({ name, text }: LabScript, vars: readonly string[]): Promise<string[]> {
  const parsed = await execa("bash", ["-n"], { input: text, reject: false });
  if (parsed.exitCode !== 0) return [`${name}: ${parsed.stderr.trim().split("\n")[0]}`];
  if (which("shellcheck") === undefined) return [];
  const given = [...GIVEN, ...vars].map((variable) => `${variable}=x`).join("; ");
  // SC2088 warns of "~" in quotes, which is text for the learner.
  const options = ["--shell=bash", "--format=gcc", "--severity=warning", "--exclude=SC2088", "-"];
  const checked = await execa("shellcheck", options, {
    input: `set -eu; no() { exit 100; }; note() { :; }; ${given}; export ${[...GIVEN, ...vars].join(" ")}\n${text}`,
    reject: false,
  });
  return checked.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replace(/^-:(\d+)/, (_, n: string) => `${name}:${Number(n) - 1}`));
}
