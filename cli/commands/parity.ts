import { ExitCode } from "../../base/errors.js";
import type { Context } from "../context.js";
import { report } from "../context.js";
import { type Args, defineCommand, labAndSeatOptions, text } from "../define-command.js";
import { parityLines, parityVerdict } from "../parity-table.js";
import { labOf, resolveSeat } from "../seat-meant.js";

export const parity = defineCommand({
  usage: "parity",
  description: "read from inside each target what it really is, and compare it with the spec",
  options: labAndSeatOptions,
  handler: showParity,
});

async function showParity(args: Args, ctx: Context): Promise<number> {
  const { loadLab } = await import("../../labs/load-lab.js");
  const { verify } = await import("../../seats/verify-parity.js");
  const { rentedShape } = await import("../../seats/rented-shape.js");
  const { targetsOf } = await import("../../seats/seat-record.js");
  const record = await resolveSeat(text(args, "lab"), text(args, "seat"));
  const lab = await loadLab(await labOf(record));
  const { facts, parity: result } = await verify(record, lab.machine);
  report(ctx, "parity", { lab: record.lab, seat: record.seat, ...result, facts }, () => [
    ...parityLines(result, targetsOf(record), ctx.style, rentedShape(record)),
    "",
    parityVerdict(result, ctx.style),
  ]);
  return result.inTolerance ? ExitCode.done : ExitCode.parityOutOfTolerance;
}
