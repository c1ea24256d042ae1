import { ExitCode, messageOf, UserError } from "../../base/errors.js";
import type { ClassDown } from "../../classes/class-down.js";
import { type Endpoint, endpointsWords, sameEndpoint } from "../../model/endpoint.js";
import { classMeant, classPositional } from "../class-meant.js";
import { columns, report, type Style } from "../context.js";
import { defineCommand, flag } from "../define-command.js";
import { chosenEndpoints } from "../endpoints.js";
import { receiptKinds } from "../receipt-lines.js";
import { workersOf, workersOption } from "../workers.js";

export const classDown = defineCommand({
  usage: "down [class]",
  description: "remove all seats of a class and prove that nothing is left; grades stay",
  positionals: classPositional,
  options: {
    ...workersOption,
    "host-gone": {
      type: "boolean",
      describe: "a host that does not answer is gone for good: forget what was on that host",
    },
  },
  handler: async (args, ctx) => {
    const [record, chosen, workers] = [await classMeant(args), await chosenEndpoints(args), workersOf(args)];
    const { takeDownClass } = await import("../../classes/class-down.js");
    const options = { chosen, hostGone: flag(args, "host-gone"), workers, signal: ctx.signal };
    const down = await ctx.follow(takeDownClass(record, options));
    const receipts = receiptsOf(down);
    const failed = down.ends.flatMap((end) =>
      end.state === "failed" ? [{ seat: end.seat, problem: messageOf(end.error) }] : [],
    );
    const data = {
      class: record.name,
      lab: record.lab,
      clean: down.clean,
      receipts,
      failed,
      without: down.without,
    };
    report(ctx, "class-receipt", data, () => lines(record.name, down, ctx.style));
    if (ctx.signal.aborted) return ExitCode.interrupted;
    const [error] = down.ends.flatMap((end) => (end.state === "failed" ? [end.error] : []));
    if (error !== undefined) return error instanceof UserError ? error.exitCode : ExitCode.failed;
    return down.clean ? ExitCode.done : ExitCode.residue;
  },
});

const receiptsOf = ({ ends }: ClassDown) => ends.flatMap((end) => (end.state === "done" ? [end.result] : []));

/** One receipt for all seats. */
function lines(name: string, down: ClassDown, { bad, bold, dim, good, warn }: Style): string[] {
  const receipts = receiptsOf(down);
  const endpoints: Endpoint[] = [];
  for (const endpoint of receipts.flatMap(({ asked }) => asked))
    if (!endpoints.some((known) => sameEndpoint(known, endpoint))) endpoints.push(endpoint);
  const rows = receiptKinds(endpoints).map((kind) => {
    const counts = receipts.map(({ left }) => left[kind]).filter((count) => count !== null);
    const sum = counts.reduce((total, count) => total + count, 0);
    return [`  ${kind}s`, counts.length === 0 ? dim("not asked") : sum === 0 ? good("0") : bad(String(sum))];
  });
  const failed = down.ends.filter((end) => end.state !== "done");
  return [
    bold(`Residue receipt: class ${name}, ${receipts.length} seats`) +
      dim(` (asked ${endpointsWords(endpoints) || "nobody"})`),
    ...columns(rows),
    ...receipts.flatMap(({ residue, seat }) =>
      residue.map((found) => bad(`  left of ${seat}: ${found.kind} ${found.name}`)),
    ),
    ...down.ends.flatMap((end) =>
      end.state === "failed"
        ? [warn(`  ${end.seat} stays on record: ${messageOf(end.error)}`)]
        : end.state === "not begun"
          ? [warn(`  ${end.seat} was not begun`)]
          : [],
    ),
    ...(down.without.length > 0 ? [dim(`  ${down.without.length} learners had no seat in this class.`)] : []),
    down.clean
      ? good(
          receipts.length > 0
            ? `Nothing of these seats is left at ${endpointsWords(endpoints) || "their hosts, which are gone"}.`
            : "The class had no seats of its own; nobody was asked.",
        )
      : bad(
          `${failed.length} seats could not be removed, or something is left. Run it again: trilab class down ${name}`,
        ),
    dim(`Points and attempts stay: trilab class grades ${name}`),
  ];
}
