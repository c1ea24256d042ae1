import { ExitCode, UserError } from "../../base/errors.js";
import type { MachineSize } from "../../model/machine-size.js";
import { formatSize, MiB, parseSize } from "../../model/units.js";
import type { Resized } from "../../seats/resize.js";
import { type Context, columns, report } from "../context.js";
import { type Args, defineCommand, labAndSeatOptions, text } from "../define-command.js";
import { environmentOf, labOf, resolveSeat } from "../seats.js";

export const resize = defineCommand({
  usage: "resize <target>",
  description: "change a machine's memory or CPUs while it runs, and show when it saw that from inside",
  positionals: { target: { type: "string", describe: "container, guest or vps", demandOption: true } },
  options: {
    ...labAndSeatOptions,
    memory: { type: "string", describe: "its memory from now on: 768MiB, 1GiB" },
    cpus: { type: "string", describe: "its CPUs from now on; a container's may be a fraction: 0.5" },
  },
  examples: [
    ["trilab resize guest --memory 768MiB", "more memory, without a restart"],
    ["trilab resize container --cpus 2", "more CPU time"],
    ["trilab resize guest --memory 512MiB --cpus 1", "back again"],
  ],
  handler: change,
});

async function change(args: Args, ctx: Context): Promise<undefined> {
  const wish = wishOf(args);
  const record = await resolveSeat(text(args, "lab"), text(args, "seat"));
  const { target } = await environmentOf(record, text(args, "target") ?? "");
  const { loadLab } = await import("../../labs/define-lab.js");
  const lab = await loadLab(await labOf(record));
  const { resize: resizeMachine } = await import("../../seats/resize.js");
  const { record: now, ...resized } = await ctx.follow(resizeMachine(record, lab, target, wish));
  report(ctx, "resize", { lab: now.lab, seat: now.seat, ...resized }, () => lines(ctx, resized));
  return undefined;
}

/** The checked options. @throws UserError (exit 2) when one is wrong, or there is none. */
function wishOf(args: Args): Partial<MachineSize> {
  const [memory, cpus] = [text(args, "memory"), text(args, "cpus")];
  if (memory === undefined && cpus === undefined)
    throw new UserError("there is nothing to change", {
      why: "neither --memory nor --cpus is given",
      fix: "write what the machine should have: --memory 768MiB, --cpus 2",
      exitCode: ExitCode.usage,
    });
  return {
    ...(memory === undefined ? {} : { memory: wholeSize(memory) }),
    ...(cpus === undefined ? {} : { cpus: cpuCount(cpus) }),
  };
}

function wholeSize(given: string): number {
  const bytes = parseSize(given);
  if (bytes !== undefined && bytes % MiB === 0) return bytes;
  throw new UserError(`--memory ${given} is not a size`, {
    why: "a size is a whole number of MiB, with its unit",
    fix: "write 768MiB or 1GiB",
    exitCode: ExitCode.usage,
  });
}

function cpuCount(given: string): number {
  const cpus = Number(given);
  // Docker takes no less than a hundredth.
  if (/^\d+(\.\d{1,2})?$/.test(given) && cpus > 0) return cpus;
  throw new UserError(`--cpus ${given} is not a number of CPUs`, {
    why: "it is a number above zero, with at most two decimals",
    fix: "write 2, or 0.5 for a container",
    exitCode: ExitCode.usage,
  });
}

/** Where each value was read inside. */
const SOURCES: Record<"container" | "other", Record<keyof MachineSize, string>> = {
  container: { memory: "memory limit", cpus: "CPU quota" },
  other: { memory: "MemTotal", cpus: "CPUs online" },
};

function lines({ style }: Context, { from, inside, target, to }: Omit<Resized, "record">): string[] {
  const format = { memory: formatSize, cpus: String };
  const keys = (["memory", "cpus"] as const).filter((key) => to[key] !== from[key]);
  if (inside === undefined)
    return [
      ...keys.map((key) => `${key}: ${format[key](from[key])} → ${format[key](to[key])}`),
      style.warn(`The ${target} is off: it has its new size when it starts. To start it: trilab up`),
    ];
  const { after, before, seconds } = inside;
  const seen = (["memory", "cpus"] as const).filter((key) => seconds[key] !== undefined);
  if (seen.length === 0) return [`Nothing changed: the ${target} has this size already.`];
  const sources = SOURCES[target === "container" ? "container" : "other"];
  return columns([
    [`the ${target}`, "given", "", `seen inside`, "", "after"].map(style.bold),
    ...seen.map((key) => [
      sources[key],
      `${format[key](from[key])} → ${format[key](to[key])}`,
      "",
      `${format[key](before[key])} → ${format[key](after[key])}`,
      "",
      `${(seconds[key] ?? 0).toFixed(2)} s`,
    ]),
  ]);
}
