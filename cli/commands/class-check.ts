import { ExitCode } from "../../base/errors.js";
import { classMeant, classPositional } from "../class-meant.js";
import { type Context, columns, report } from "../context.js";
import { type Args, defineCommand } from "../define-command.js";
import { labOf } from "../seat-meant.js";

export const classCheck = defineCommand({
  usage: "check [class]",
  description: "look at what every learner did in the lab's tasks, and count the points",
  positionals: classPositional,
  handler: checkAll,
});

async function checkAll(args: Args, ctx: Context): Promise<number> {
  const record = await classMeant(args);
  const { loadLab } = await import("../../labs/load-lab.js");
  const { eachSeat, problemOf } = await import("../../classes/each-seat.js");
  const { checkSeat } = await import("../../tasks/check.js");
  const { verdictOf } = await import("../../tasks/score.js");
  const { settled } = await import("../../model/events.js");
  const lab = await loadLab(await labOf(record));
  const ends = await ctx.follow(
    eachSeat(
      record,
      "looking at the tasks",
      async (seat) => (await settled(checkSeat(seat, lab, { signal: ctx.signal }))).score,
      { signal: ctx.signal },
    ),
  );
  const rows = ends.map(({ end, member: { name, seat } }) => {
    if (end.state !== "done") {
      return { seat, name, verdict: "could-not-look" as const, tasks: [], problem: problemOf(end) ?? "" };
    }
    return { seat, name, verdict: verdictOf(end.result), ...end.result };
  });
  const standings = (row: (typeof rows)[number]): string[] =>
    lab.tasks.map(({ id }) => row.tasks.find((task) => task.id === id)?.standing ?? "could-not-look");
  report(ctx, "class-check", { class: record.name, lab: lab.name, seats: rows }, () => [
    ...columns([
      ["SEAT", "LEARNER", "POINTS", ...lab.tasks.map(({ id }) => id)].map(ctx.style.bold),
      ...rows.map((row) => [
        row.seat,
        row.name,
        "points" in row ? `${row.points}/${row.max}` : ctx.style.bad(row.problem),
        ...standings(row).map((standing) => mark(standing, ctx)),
      ]),
    ]),
    ctx.style.dim("✓ met, ✗ not met, ? could not look, · open, … a person marks it"),
  ]);
  if (rows.every(({ verdict }) => verdict === "met")) return ExitCode.done;
  return rows.some(({ verdict }) => verdict === "not-met") ? ExitCode.checksNotPassed : ExitCode.couldNotLook;
}

function mark(standing: string, { style }: Context): string {
  if (standing === "met") return style.good("✓");
  if (standing === "not-met") return style.bad("✗");
  if (standing === "could-not-look") return style.warn("?");
  return standing === "pending" ? "…" : "·";
}
