import { randomBytes } from "node:crypto";
import { ExitCode, messageAndWhy, UserError } from "../../base/errors.js";
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
  /** Something of its seat is left. */
  residue?: boolean;
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
  if (tested.some(({ residue }) => residue)) return ExitCode.residue;
  return tested.every(({ problems }) => problems.length === 0) ? ExitCode.done : ExitCode.checksNotPassed;
}

async function testLab(
  lab: Lab,
  endpoints: Endpoints,
  args: Args,
  ctx: Context,
): Promise<Omit<Tested, "lab" | "seconds">> {
  const { lintLab } = await import("../../tasks/lint-lab.js");
  const problems = await lintLab(lab);
  if (flag(args, "lint") || problems.length > 0) return { problems, proven: [], notProven: [] };
  const { planSeat } = await import("../../seats/plan.js");
  const { bringUp } = await import("../../seats/up.js");
  const { withTemporarySeat } = await import("../../seats/temporary-seat.js");
  const { forgetAttempts } = await import("../../tasks/attempts.js");
  const { valuesOf } = await import("../../tasks/script-options.js");
  const { proveLab } = await import("../../tasks/prove-lab.js");
  const { setUpLab } = await import("../../tasks/set-up.js");
  const { readRecord } = await import("../../seats/seat-record.js");
  const { settled } = await import("../../model/events.js");
  const { signal } = ctx;
  const id = { lab: lab.name, seat: `test-${randomBytes(3).toString("hex")}` };
  const plan = await planSeat({ lab: lab.dir, seat: id.seat, endpoints });
  await readyHost(ctx, plan.drivers, flag(args, "yes"));
  try {
    return await ctx.follow(
      withTemporarySeat(plan, async ({ pass }) => {
        const { record } = await settled(bringUp(plan, { waitMs: WAIT, signal }), pass);
        await settled(setUpLab(record, lab, { signal }), pass);
        return settled(proveLab(record, lab, await valuesOf(lab, id.seat), signal), pass);
      }),
    );
  } catch (error) {
    if (signal.aborted) {
      throw new UserError(`the test of lab "${lab.name}" was interrupted`, {
        why: (await readRecord(id)) ? `its seat "${id.seat}" is not taken down` : "its seat was taken down",
        exitCode: ExitCode.interrupted,
      });
    }
    if (!(error instanceof UserError)) throw error;
    explain(error, ctx);
    const residue = error.exitCode === ExitCode.residue;
    return { problems: [messageAndWhy(error)], proven: [], notProven: [], residue };
  } finally {
    await forgetAttempts(id);
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
