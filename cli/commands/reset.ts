import { parseTarget } from "../../labs/targets.js";
import { agreeToLose, lostWords } from "../agree-to-lose.js";
import { type Context, report } from "../context.js";
import { type Args, defineCommand, flag, labAndSeatOptions, text } from "../define-command.js";
import { resolveSeat } from "../seat-meant.js";
import { answerWait, waitOption } from "../wait.js";

export const reset = defineCommand({
  usage: "reset [target]",
  description:
    "reset a machine to its state after its first start: what was done in it is lost; its address, keys, expiry and snapshots stay",
  positionals: {
    target: { type: "string", describe: "container, guest or vps; default: all that are not rented" },
  },
  options: {
    ...labAndSeatOptions,
    yes: { alias: "y", type: "boolean", describe: "don't ask" },
    ...waitOption,
  },
  examples: [
    ["trilab reset guest", "the guest, after a question"],
    ["trilab reset --seat alice --yes", "all of alice's machines, without one"],
  ],
  handler: resetMachines,
});

async function resetMachines(args: Args, ctx: Context): Promise<undefined> {
  const word = text(args, "target");
  const waitMs = answerWait(args);
  const asked = word === undefined ? undefined : [parseTarget(word)];
  const record = await resolveSeat(text(args, "lab"), text(args, "seat"));
  const { replaceableMachines } = await import("../../seats/replaceable.js");
  const targets = replaceableMachines(record, asked).map(({ target }) => target);
  const { lab, seat } = record;
  if (!flag(args, "yes")) {
    const what = `This resets ${targets.map((target) => `the ${target}`).join(" and ")} of seat ${seat} of lab ${lab} to the state after the first start.`;
    await agreeToLose(ctx, `${what} ${await lostWords(record, targets)}`);
  }
  const { reset: resetSeat } = await import("../../seats/reset-or-restore.js");
  const machines = await ctx.follow(resetSeat(record, targets, { waitMs, signal: ctx.signal }));
  report(ctx, "reset", { lab, seat, machines }, () =>
    machines.map(
      ({ seconds, target }) =>
        `The ${target} of seat ${seat} is in its state after its first start (${seconds.toFixed(1)} s).`,
    ),
  );
  return undefined;
}
