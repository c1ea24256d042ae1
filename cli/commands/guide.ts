import { join } from "node:path";
import { ExitCode, UserError } from "../../base/errors.js";
import { readUserFile } from "../../base/files.js";
import { type Context, report } from "../context.js";
import { type Args, defineCommand, flag, labAndSeatOptions, text } from "../define-command.js";
import { labSession } from "../lab-session.js";

export const guide = defineCommand({
  usage: "guide [step]",
  description: "show the lab's guide with your seat's values: step by step on a terminal, else all of it",
  positionals: { step: { type: "string", describe: "only this step, by its number" } },
  options: { ...labAndSeatOptions, all: { type: "boolean", describe: "all steps at once" } },
  examples: [
    ["trilab guide", "from the beginning; Enter goes on"],
    ["trilab guide 3", "the third step"],
  ],
  handler: showGuide,
});

async function showGuide(args: Args, ctx: Context): Promise<undefined> {
  const { lab, record } = await labSession(args, { anyLab: true });
  const markdown = await readUserFile(join(lab.dir, "guide.md"), "the guide");
  if (markdown === undefined) {
    throw new UserError(`lab "${lab.name}" has no guide`, {
      why: `there is no guide.md in ${lab.dir}`,
      fix: "see what the lab is: trilab labs show",
      exitCode: ExitCode.notFound,
    });
  }
  const { fillIn } = await import("../../labs/variables.js");
  const { valuesOf } = await import("../../tasks/script-options.js");
  const { sectionLines, sectionsOf } = await import("../markdown.js");
  const steps = sectionsOf(fillIn(markdown, await valuesOf(lab, record.seat)));
  const lines = (i: number): string[] => {
    const step = steps[i];
    return step ? sectionLines(step, ctx.style) : [];
  };
  const wanted = text(args, "step");
  const number = wanted === undefined ? undefined : Number(wanted);
  if (number !== undefined && !(Number.isInteger(number) && number >= 1 && number < steps.length)) {
    throw new UserError(`the guide has no step ${wanted}`, {
      why: `its steps are 1 to ${steps.length - 1}`,
      fix: "see all of it: trilab guide --all",
      exitCode: ExitCode.usage,
    });
  }
  if (ctx.json || number !== undefined || flag(args, "all")) {
    const shown = number === undefined ? steps.map((_, i) => i) : [number];
    const data = {
      lab: lab.name,
      seat: record.seat,
      steps: shown.map((i) => ({ title: steps[i]?.title, text: lines(i).join("\n") })),
    };
    report(ctx, "guide", data, () => shown.flatMap((i) => [...lines(i), ""]));
    return undefined;
  }
  return stepByStep(
    steps.map((_, i) => lines(i)),
    ctx,
  );
}

/** Shows one step after the other. Without a terminal, nobody can ask for the next: then all of them. */
async function stepByStep(steps: readonly string[][], ctx: Context): Promise<undefined> {
  for (let i = 0; i < steps.length; ) {
    for (const line of steps[i] ?? []) ctx.print(line);
    ctx.print("");
    if (i === steps.length - 1) break;
    const said = await ctx.ask(
      ctx.style.dim(`step ${i} of ${steps.length - 1} – Enter: next, b: back, q: end`),
    );
    if (said === "q") break;
    i = said === "b" ? Math.max(0, i - 1) : i + 1;
  }
  return undefined;
}
