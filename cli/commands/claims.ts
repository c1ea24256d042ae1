import { ExitCode } from "../../base/errors.js";
import type { Evidence } from "../../report/judge-claims.js";
import type { SeatRecord } from "../../seats/seat-record.js";
import { type Context, report } from "../context.js";
import { type Args, defineCommand, labAndSeatOptions, text } from "../define-command.js";
import { resolveSeat } from "../seat-meant.js";

export const claims = defineCommand({
  usage: "claims",
  description: "judge what people say about VMs and containers by your seat's facts and runs of compare",
  options: labAndSeatOptions,
  examples: [
    ["trilab claims", "what holds here, what does not, and what was not measured"],
    [
      "trilab compare --probes host-calls,downtime,moving",
      "measures what compare --quick leaves out, for trilab claims",
    ],
  ],
  handler: showClaims,
});

async function showClaims(args: Args, ctx: Context): Promise<number> {
  const { loadClaims } = await import("../../labs/claims.js");
  const { countVerdicts, judgeClaims } = await import("../../report/judge-claims.js");
  const { claimLines } = await import("../claim-lines.js");
  const record = await resolveSeat(text(args, "lab"), text(args, "seat"));
  const all = await loadClaims();
  const judged = judgeClaims(all, await evidenceOf(record, ctx));
  const counts = countVerdicts(judged);
  report(ctx, "claims", { lab: record.lab, seat: record.seat, counts, claims: judged }, () => [
    ctx.style.bold(`lab ${record.lab} · seat ${record.seat}`),
    ...claimLines(judged, counts, ctx),
  ]);
  return ExitCode.done;
}

/** The seat's facts, read now, and its stored runs, newest first. */
async function evidenceOf(record: SeatRecord, ctx: Context): Promise<Evidence[]> {
  const { readSeatFacts } = await import("../../seats/claim-facts.js");
  const { listRuns } = await import("../../report/run-store.js");
  const [facts, runs] = await Promise.all([
    readSeatFacts(record, ctx.tell),
    listRuns(record.lab, record.seat),
  ]);
  return [{ facts }, ...runs.flatMap(({ run }) => (run ? [{ facts: run.facts ?? {}, run }] : []))];
}
