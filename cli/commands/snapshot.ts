import { resolve } from "node:path";
import { ExitCode, messageAndWhy } from "../../base/errors.js";
import { parseTarget, parseTargets } from "../../labs/targets.js";
import { addressOf } from "../../model/endpoint.js";
import type { Target } from "../../model/naming.js";
import type { Snapshot } from "../../model/snapshots.js";
import { formatSize } from "../../model/units.js";
import type { SeatRecord } from "../../seats/seat-record.js";
import { agreeToLose, lostWords } from "../agree-to-lose.js";
import { type Context, columns, report } from "../context.js";
import { type Args, defineCommand, flag, labAndSeatOptions, text } from "../define-command.js";
import { resolveSeat } from "../seat-meant.js";
import { moment } from "../time-left.js";
import { answerWait, waitOption } from "../wait.js";

const namePositional = {
  name: { type: "string", describe: "the snapshot's name: before, step-2", demandOption: true },
} as const;

const onOption = {
  on: { type: "string", describe: "only these targets, with commas: container,guest" },
} as const;

const seatOf = (args: Args): Promise<SeatRecord> => resolveSeat(text(args, "lab"), text(args, "seat"));

/** The targets of `--on`; `undefined` when it is not given. */
function targetsOn(args: Args): Target[] | undefined {
  const on = text(args, "on");
  return on === undefined ? undefined : parseTargets(on);
}

const save = defineCommand({
  usage: "save <name>",
  description:
    "save a seat's machines under a name: the files of a container, the disk of a guest and, if it runs, its memory",
  positionals: namePositional,
  options: { ...labAndSeatOptions, ...onOption },
  examples: [["trilab snapshot save before", "all machines of your seat"]],
  handler: async (args, ctx) => {
    const record = await seatOf(args);
    const { saveSnapshot } = await import("../../seats/save-snapshot.js");
    const name = text(args, "name") ?? "";
    const snapshots = await ctx.follow(saveSnapshot(record, name, targetsOn(args)));
    report(ctx, "snapshot", { lab: record.lab, seat: record.seat, snapshots }, () => table(snapshots, ctx));
    return undefined;
  },
});

const ls = defineCommand({
  usage: "ls",
  aliases: ["list"],
  description: "list a seat's snapshots and what they take of the host's disk",
  options: labAndSeatOptions,
  handler: async (args, ctx) => {
    const record = await seatOf(args);
    const { listSnapshots } = await import("../../seats/list-snapshots.js");
    const { snapshots, unanswered } = await listSnapshots(record);
    for (const { problem } of unanswered) ctx.tell(messageAndWhy(problem));
    const { lab, seat } = record;
    const silent = unanswered.map(({ endpoint }) => addressOf(endpoint));
    report(ctx, "snapshots", { lab, seat, snapshots, unanswered: silent }, () =>
      snapshots.length > 0
        ? table(snapshots, ctx)
        : unanswered.length > 0
          ? []
          : [`Seat ${seat} of lab ${lab} has no snapshot. To make one: trilab snapshot save NAME.`],
    );
    return unanswered.length > 0 ? ExitCode.hostNotReady : undefined;
  },
});

const restore = defineCommand({
  usage: "restore <name>",
  description:
    "restore machines to the state in which a snapshot was saved: what was done in them since is lost; a guest that ran goes on from its memory, with the right time; the seat's expiry stays",
  positionals: namePositional,
  options: {
    ...labAndSeatOptions,
    ...onOption,
    yes: { alias: "y", type: "boolean", describe: "don't ask" },
    ...waitOption,
  },
  examples: [["trilab snapshot restore before --on guest", "only the guest, after a question"]],
  handler: restoreMachines,
});

async function restoreMachines(args: Args, ctx: Context): Promise<undefined> {
  const snapshot = text(args, "name") ?? "";
  const waitMs = answerWait(args);
  const record = await seatOf(args);
  const { lab, seat } = record;
  const targets = targetsOn(args) ?? (await targetsWith(record, snapshot));
  if (!flag(args, "yes")) {
    const what = `This restores ${targets.map((target) => `the ${target}`).join(" and ")} of seat ${seat} of lab ${lab} to snapshot "${snapshot}".`;
    await agreeToLose(ctx, `${what} ${await lostWords(record, targets)}`);
  }
  const { restoreSnapshot } = await import("../../seats/reset-or-restore.js");
  const machines = await ctx.follow(
    restoreSnapshot(record, targets, { snapshot, waitMs, signal: ctx.signal }),
  );
  report(ctx, "restore", { lab, seat, snapshot, machines }, () =>
    machines.map(
      ({ seconds, target }) =>
        `The ${target} of seat ${seat} is restored to snapshot "${snapshot}" (${seconds.toFixed(1)} s).`,
    ),
  );
  return undefined;
}

/** The targets that have this snapshot. @throws UserError: exit 6 when there is none, exit 3 when a daemon could not be asked. */
async function targetsWith(record: SeatRecord, name: string): Promise<Target[]> {
  const { listSnapshots, noSnapshot } = await import("../../seats/list-snapshots.js");
  const { snapshots, unanswered } = await listSnapshots(record);
  if (unanswered[0]) throw unanswered[0].problem;
  const targets = snapshots.filter((each) => each.name === name).map(({ target }) => target);
  if (targets.length === 0) throw noSnapshot(record, name, snapshots);
  return targets;
}

const rm = defineCommand({
  usage: "rm <name>",
  aliases: ["remove"],
  description: "remove a snapshot; the machines stay as they are",
  positionals: namePositional,
  options: { ...labAndSeatOptions, ...onOption },
  handler: async (args, ctx) => {
    const record = await seatOf(args);
    const name = text(args, "name") ?? "";
    const { removeSnapshot } = await import("../../seats/remove-snapshot.js");
    const removed = await ctx.follow(removeSnapshot(record, name, targetsOn(args)));
    const { lab, seat } = record;
    report(ctx, "removed", { lab, seat, snapshots: removed }, () => [
      `Removed snapshot ${name} of the ${removed.map(({ target }) => target).join(" and the ")} of seat ${seat}.`,
    ]);
    return undefined;
  },
});

const exportCommand = defineCommand({
  usage: "export <name> <target> <file>",
  description:
    "write a snapshot of one machine to a file, for another seat with the same image: what differs from the image, without a guest's memory",
  positionals: {
    ...namePositional,
    target: { type: "string", describe: "container, guest or vps", demandOption: true },
    file: { type: "string", describe: "the file to write; it must not exist", demandOption: true },
  },
  options: labAndSeatOptions,
  examples: [["trilab snapshot export before guest before-guest.tar", "your guest, as it was saved"]],
  handler: async (args, ctx) => {
    const record = await seatOf(args);
    const { exportSnapshot } = await import("../../seats/export-import-snapshot.js");
    const wanted = {
      name: text(args, "name") ?? "",
      target: parseTarget(text(args, "target") ?? ""),
      file: resolve(text(args, "file") ?? ""),
    };
    const { bytes, file, snapshot } = await ctx.follow(exportSnapshot(record, wanted));
    report(ctx, "exported", { lab: record.lab, seat: record.seat, file, bytes, snapshot }, () => [
      `Wrote ${file}: ${formatSize(bytes)}, the ${snapshot.target} without what its image has${snapshot.memory ? " and without its memory" : ""}.`,
    ]);
    return undefined;
  },
});

const importCommand = defineCommand({
  usage: "import <file>",
  description: "make a snapshot of a seat from an exported file; trilab snapshot restore then uses it",
  positionals: { file: { type: "string", describe: "a file that export wrote", demandOption: true } },
  options: {
    ...labAndSeatOptions,
    as: { type: "string", describe: "the snapshot's name in this seat; default: its own" },
  },
  examples: [["trilab snapshot import before-guest.tar --seat bob", "for bob's seat"]],
  handler: async (args, ctx) => {
    const record = await seatOf(args);
    const { importSnapshot } = await import("../../seats/export-import-snapshot.js");
    const file = resolve(text(args, "file") ?? "");
    const made = await ctx.follow(importSnapshot(record, { file, name: text(args, "as") }));
    const { lab, seat } = record;
    report(ctx, "imported", { lab, seat, file, snapshot: made }, () => table([made], ctx));
    return undefined;
  },
});

/** Snapshots as a table. */
const table = (snapshots: readonly Snapshot[], ctx: Context): string[] =>
  columns([
    ["SNAPSHOT", "TARGET", "SAVED", "ON DISK", "WITH"].map(ctx.style.bold),
    ...snapshots.map(({ at, bytes, memory, name, target }) => [
      name,
      target,
      moment(at),
      formatSize(bytes),
      target === "container" ? "files" : memory ? "disk and memory" : "disk",
    ]),
  ]);

export const snapshot = defineCommand({
  usage: "snapshot",
  description: "save and restore the state of a seat's machines",
  subcommands: [save, ls, restore, rm, exportCommand, importCommand],
});
