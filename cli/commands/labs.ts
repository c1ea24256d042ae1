import { join } from "node:path";
import { UserError } from "../../base/errors.js";
import { readUserFile } from "../../base/files.js";
import { formatDuration, formatSize } from "../../model/units.js";
import { capacityHere } from "../capacity-here.js";
import { columns, report } from "../context.js";
import { defineCommand, text } from "../define-command.js";
import { chosenEndpoints } from "../endpoints.js";
import { labsNew } from "./labs-new.js";
import { labsTest } from "./labs-test.js";

const ls = defineCommand({
  usage: "ls",
  aliases: ["list"],
  description: "list the registered labs",
  handler: async (_args, ctx) => {
    const { labNames, loadLab } = await import("../../labs/load-lab.js");
    // One broken lab must not hide the others.
    const labs = await Promise.all(
      (await labNames()).map(async (name) => {
        try {
          const { takes, targets, tasks, title, topic = "" } = await loadLab(name);
          const points = tasks.reduce((sum, task) => sum + task.points, 0);
          return { name, title, topic, targets, takes, points };
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          return {
            ...{ name, title: `broken: ${error.why ?? error.message}` },
            ...{ topic: "", targets: [], takes: undefined, points: 0 },
          };
        }
      }),
    );
    report(ctx, "labs", { labs }, () =>
      columns([
        ["LAB", "TOPIC", "TARGETS", "TIME", "POINTS", "TITLE"].map(ctx.style.bold),
        ...labs.map((l) => [
          ...[l.name, l.topic, l.targets.join(",")],
          ...[
            l.takes === undefined ? "" : formatDuration(l.takes),
            l.points > 0 ? String(l.points) : "",
            l.title,
          ],
        ]),
      ]),
    );
    return undefined;
  },
});

const show = defineCommand({
  usage: "show <lab>",
  description: "show one lab: its machine, its targets, its guide",
  positionals: {
    lab: { type: "string", describe: "a lab's name, or the path of its folder", demandOption: true },
  },
  handler: async (args, ctx) => {
    const { loadLab } = await import("../../labs/load-lab.js");
    const { instanceTypeFor } = await import("../../model/instance-catalogue.js");
    const lab = await loadLab(text(args, "lab") ?? "");
    const guide = (await readUserFile(join(lab.dir, "guide.md"), "the guide")) ?? "";
    const { capacityProblems } = await import("../../hosts/capacity.js");
    const tooLarge = capacityProblems(lab.machine, await capacityHere(lab, await chosenEndpoints(args)));
    const { bold, warn } = ctx.style;
    report(ctx, "lab", { ...lab, guide, tooLarge }, () => [
      bold(lab.title),
      lab.summary,
      "",
      ...columns([
        ["targets", lab.targets.join(", ")],
        [
          "machine",
          `${lab.machine.cpus} CPU, ${formatSize(lab.machine.memory)} of memory, ${formatSize(lab.machine.disk)} of disk`,
        ],
        [
          "system",
          `Debian ${lab.machine.release}${lab.machine.packages.length > 0 ? ` with ${lab.machine.packages.join(", ")}` : ""}`,
        ],
        ...(lab.machine.services.length > 0 ? [["services", lab.machine.services.join(", ")]] : []),
        ...(lab.targets.includes("vps")
          ? [["vps", `${instanceTypeFor(lab.machine, lab.vps.size).name}, cloud: ${lab.vps.cloud}`]]
          : []),
        ["lives for", lab.ttl === undefined ? "as long as you like" : formatDuration(lab.ttl)],
      ]),
      ...(tooLarge.length > 0
        ? ["", warn("Its machine is larger than this host, so up would refuse it:")]
        : []),
      ...tooLarge.map((problem) => warn(`  ${problem}`)),
      ...(guide ? ["", guide.trimEnd()] : []),
    ]);
    return undefined;
  },
});

export const labs = defineCommand({
  usage: "labs",
  description: "list labs, show one, write a new one, or test one",
  ...(ls.handler ? { handler: ls.handler } : {}),
  subcommands: [ls, show, labsNew, labsTest],
});
