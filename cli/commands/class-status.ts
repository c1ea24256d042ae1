import { setTimeout as sleep } from "node:timers/promises";
import { ExitCode, messageAndWhy } from "../../base/errors.js";
import type { MemberStatus } from "../../classes/class-status.js";
import { classMeant, classPositional } from "../class-meant.js";
import { type Context, columns, report } from "../context.js";
import { type Args, defineCommand, flag } from "../define-command.js";
import { labOf } from "../seat-meant.js";
import { timeLeft } from "../time-left.js";

/** Seconds between two looks of --watch. */
const PAUSE = 5;

export const classStatus = defineCommand({
  usage: "status [class]",
  description: "list the learners' seats, as their hosts report them, and the points",
  positionals: classPositional,
  options: {
    watch: {
      type: "boolean",
      conflicts: "json",
      describe: `look again every ${PAUSE} seconds, until Ctrl-C; not with --json`,
    },
  },
  handler: async (args, ctx) => {
    for (;;) {
      if (flag(args, "watch") && ctx.screen) ctx.print("\u001b[2J\u001b[H");
      const exitCode = await showOnce(args, ctx);
      if (!flag(args, "watch")) return exitCode;
      await sleep(PAUSE * 1000, undefined, { signal: ctx.signal }).catch(() => {});
      if (ctx.signal.aborted) return undefined;
      await (await import("../../shared/shared-state.js")).refreshShared();
    }
  },
});

/** @returns {@link ExitCode.couldNotLook} if a seat's record can't be read. */
async function showOnce(args: Args, ctx: Context): Promise<ExitCode> {
  const record = await classMeant(args);
  const { loadLab } = await import("../../labs/load-lab.js");
  const { classStatus: statusOf } = await import("../../classes/class-status.js");
  const lab = await loadLab(await labOf(record));
  const { members, silent } = await statusOf(record, lab.tasks);
  for (const error of silent) ctx.tell(messageAndWhy(error));
  const data = members.map(({ member, score, ...status }) => ({
    ...member,
    ...status,
    points: score.points,
    max: score.max,
  }));
  const { name, ended } = record;
  report(ctx, "class-status", { class: name, lab: record.lab, ended, seats: data }, () => [
    ctx.style.bold(
      `class ${name}: lab ${record.lab}, ${members.length} learners${ended ? `, ended ${timeLeft(ended)}` : ""}`,
    ),
    ...columns([
      ["SEAT", "LEARNER", "STATE", "ENDS", "POINTS", "LAST CHECK", "LAST ERROR"].map(ctx.style.bold),
      ...members.map((member) => row(member, ctx)),
    ]),
    ...members.flatMap(({ member, unreadable }) =>
      unreadable === undefined ? [] : [ctx.style.bad(`${member.seat}: ${unreadable}`)],
    ),
  ]);
  return members.some(({ unreadable }) => unreadable !== undefined) ? ExitCode.couldNotLook : ExitCode.done;
}

function row(
  { expires, lastLook, machines, member, score, unreadable }: MemberStatus,
  { style }: Context,
): string[] {
  const runs = machines.length > 0 && machines.every(({ state }) => state === "running");
  const words = machines.map(({ state, target }) => `${target} ${state}`).join(", ");
  return [
    member.seat,
    member.name,
    unreadable !== undefined
      ? style.bad("can't be read")
      : machines.length === 0
        ? style.dim("no seat")
        : runs
          ? style.good("running")
          : style.bad(words),
    timeLeft(expires),
    score.max === 0 ? "" : `${score.points}/${score.max}`,
    lastLook === undefined ? "" : timeLeft(lastLook),
    member.problem === undefined ? "" : style.bad(member.problem),
  ];
}
