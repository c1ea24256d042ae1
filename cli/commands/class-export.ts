import { ExitCode, messageAndWhy } from "../../base/errors.js";
import { classMeant, classPositional } from "../class-meant.js";
import { report } from "../context.js";
import { defineCommand } from "../define-command.js";
import { labOf } from "../seat-meant.js";

export const classExport = defineCommand({
  usage: "export [class]",
  description: "write a CSV table of the learners: seat, host, times, points",
  positionals: classPositional,
  handler: async (args, ctx) => {
    const record = await classMeant(args);
    const { stringify } = await import("csv-stringify/sync");
    const { loadLab } = await import("../../labs/load-lab.js");
    const { classStatus } = await import("../../classes/class-status.js");
    const { tasks } = await loadLab(await labOf(record));
    const { members, silent } = await classStatus(record, tasks);
    for (const error of silent) ctx.tell(messageAndWhy(error));
    const rows = members.map(({ created, expires, lastLook = "", machines, member, score, unreadable }) => ({
      ...{
        class: record.name,
        lab: record.lab,
        seat: member.seat,
        name: member.name,
        email: member.email,
        id: member.id,
      },
      host: [...new Set(machines.map(({ at }) => at))].join(", "),
      ...{ created, expires, state: machines.map(({ state, target }) => `${target} ${state}`).join(", ") },
      ...{
        points: score.points,
        max: score.max,
        "last check": lastLook,
        problem: unreadable ?? member.problem ?? "",
      },
    }));
    report(ctx, "class-export", { seats: rows }, () => [
      stringify(rows, { header: true, escape_formulas: true }).trimEnd(),
    ]);
    return members.some(({ unreadable }) => unreadable !== undefined) ? ExitCode.couldNotLook : ExitCode.done;
  },
});
