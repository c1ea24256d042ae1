import { randomBytes } from "node:crypto";
import { ExitCode, messageAndWhy, UserError } from "../../base/errors.js";
import { interruptible } from "../../base/working.js";
import type { Lab } from "../../labs/load-lab.js";
import type { Endpoints } from "../../model/endpoint.js";
import type { Proof } from "../../tasks/prove-lab.js";
import { type Context, report } from "../context.js";
import { type Args, defineCommand, flag, text, yesOption } from "../define-command.js";
import { chosenEndpoints, endpointOptions } from "../endpoints.js";
import { explain } from "../explain.js";
import { readyHost } from "../make-host-ready.js";

/** How long a guest may take to answer, in milliseconds. */
const WAIT = 600_000;

/** How the test of one lab went. */
interface Tested extends Proof {
  lab: string;
  seconds: number;
}

export const labsTest = defineCommand({
  usage: "test [lab]",
  description: "prove on a seat of its own that each of a lab's checks can fail and can pass",
  positionals: { lab: { type: "string", describe: "a lab's name, or the path of its folder" } },
  options: {
    all: { type: "boolean", describe: "every registered lab, one after the other" },
    lint: { type: "boolean", describe: "only look at the lab's files; starts no machine" },
    ...endpointOptions,
    ...yesOption,
  },
  examples: [
    ["trilab labs test layers", "one lab"],
    ["trilab labs test --all --lint", "the files of all labs, in seconds"],
  ],
  handler: testLabs,
});

async function testLabs(args: Args, ctx: Context): Promise<number> {
  const { labNames, loadLab } = await import("../../labs/load-lab.js");
  const name = text(args, "lab");
  if ((name === undefined) !== flag(args, "all")) {
    throw new UserError("name one lab, or use --all", {
      why: "labs test proves one lab, or every registered one",
      fix: "trilab labs test LAB, or trilab labs test --all",
      exitCode: ExitCode.usage,
    });
  }
  const labs = await Promise.all(
    (name === undefined ? await labNames() : [name]).map((each) => loadLab(each)),
  );
  const chosen = await chosenEndpoints(args);
  const tested: Tested[] = [];
  for (const lab of labs) {
    ctx.signal.throwIfAborted();
    const began = performance.now();
    const proof = await testLab(lab, chosen, args, ctx);
    tested.push({ lab: lab.name, ...proof, seconds: (performance.now() - began) / 1000 });
  }
  report(ctx, "labs-test", { labs: tested }, () =>
    tested.flatMap((each) => lines(each, flag(args, "lint"), ctx)),
  );
  return tested.every(({ problems }) => problems.length === 0) ? ExitCode.done : ExitCode.checksNotPassed;
}

async function testLab(lab: Lab, endpoints: Endpoints, args: Args, ctx: Context): Promise<Proof> {
  const { lintLab } = await import("../../tasks/lint-lab.js");
  const problems = await lintLab(lab);
  if (flag(args, "lint") || problems.length > 0) return { problems, proven: [], notProven: [] };
  const { planSeat } = await import("../../seats/plan.js");
  const { bringUp } = await import("../../seats/up.js");
  const { takeDown } = await import("../../seats/down.js");
  const { forgetAttempts } = await import("../../tasks/attempts.js");
  const { valuesOf } = await import("../../tasks/script-options.js");
  const { proveLab } = await import("../../tasks/prove-lab.js");
  const { setUpLab } = await import("../../tasks/set-up.js");
  const id = { lab: lab.name, seat: `test-${randomBytes(3).toString("hex")}` };
  const plan = await planSeat({ lab: lab.dir, seat: id.seat, endpoints });
  await readyHost(ctx, plan.drivers, flag(args, "yes"));
  // After Ctrl-C, the seat is still taken down.
  const over = interruptible();
  try {
    const { record } = await ctx.follow(bringUp(plan, { waitMs: WAIT, signal: ctx.signal }));
    await ctx.follow(setUpLab(record, lab, { signal: ctx.signal }));
    return await ctx.follow(proveLab(record, lab, await valuesOf(lab, id.seat), ctx.signal));
  } catch (error) {
    if (ctx.signal.aborted) {
      throw new UserError(`the test of lab "${lab.name}" was interrupted`, {
        why: "its seat was taken down",
        exitCode: ExitCode.interrupted,
      });
    }
    if (!(error instanceof UserError)) throw error;
    explain(error, ctx);
    return { problems: [messageAndWhy(error)], proven: [], notProven: [] };
  } finally {
    const { readRecord } = await import("../../seats/seat-record.js");
    if (await readRecord(id)) await ctx.follow(takeDown(id, { chosen: endpoints }));
    await forgetAttempts(id);
    over();
  }
}

function lines(
  { lab, notProven, problems, proven, seconds }: Tested,
  lintOnly: boolean,
  { style }: Context,
): string[] {
  const time = `(${seconds.toFixed(1)} s)`;
  if (problems.length > 0)
    return [
      style.bad(`✗ ${lab} ${time}`),
      ...problems.flatMap((problem) => problem.split("\n").map((l) => `    ${l}`)),
    ];
  const what = lintOnly ? "its files are in order" : `proven: ${proven.join(", ") || "it has no tasks"}`;
  return [
    `${style.good(`✓ ${lab}`)} ${what} ${time}`,
    ...(notProven.length > 0
      ? [style.dim(`    not proven, as it needs a run of compare or a person: ${notProven.join(", ")}`)]
      : []),
  ];
}
