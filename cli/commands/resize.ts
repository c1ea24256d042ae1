import { ExitCode, UserError } from "../../base/errors.js";
import type { MachineSize } from "../../model/machine-size.js";
import type { Target } from "../../model/naming.js";
import { formatSize, MiB, parseSize } from "../../model/units.js";
import type { Resized } from "../../seats/resize.js";
import type { SeatRecord } from "../../seats/seat-record.js";
import { agreeToRent } from "../agree-to-rent.js";
import { type Context, columns, report, type Style } from "../context.js";
import { type Args, defineCommand, flag, labAndSeatOptions, text, yesOption } from "../define-command.js";
import { environmentOf, labOf, resolveSeat } from "../seat-meant.js";

export const resize = defineCommand({
  usage: "resize <target>",
  description:
    "change a machine's memory or CPUs while it runs, and show when that was seen inside; a rented vps gets another instance type, for which it is off meanwhile",
  positionals: { target: { type: "string", describe: "container, guest or vps", demandOption: true } },
  options: {
    ...labAndSeatOptions,
    memory: { type: "string", describe: "its memory from now on: 768MiB, 1GiB" },
    cpus: { type: "string", describe: "its CPUs from now on; a container's may be a fraction: 0.5" },
    yes: { ...yesOption.yes, describe: "don't ask before the type, and the price, of a rented vps changes" },
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
  const { record: now, ...resized } = await resizing(args, ctx, record, target, wish);
  report(ctx, "resize", { lab: now.lab, seat: now.seat, ...resized }, () => lines(ctx, resized));
  return undefined;
}

/** Asks before a rented machine changes its price. */
async function resizing(
  args: Args,
  ctx: Context,
  record: SeatRecord,
  target: Target,
  wish: Partial<MachineSize>,
): Promise<Resized> {
  const { isRented } = await import("../../seats/open-target.js");
  if (isRented(record, target)) {
    const { planRented, resizeRented } = await import("../../seats/resize-rented.js");
    const plan = await planRented(record, wish);
    if (plan.to.name !== plan.from.name) await agreeToRent(ctx, plan.spending, flag(args, "yes"));
    return ctx.follow(resizeRented(record, plan, wish));
  }
  const { loadLab } = await import("../../labs/load-lab.js");
  const { resize: resizeMachine } = await import("../../seats/resize.js");
  return ctx.follow(resizeMachine(record, await loadLab(await labOf(record)), target, wish));
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

function lines({ style }: Context, resized: Omit<Resized, "record">): string[] {
  const { from, inside, rented, target, to } = resized;
  if (rented) return rentedLines(rented, inside, style);
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

function rentedLines(
  { changed, from, off, silent, to }: NonNullable<Resized["rented"]>,
  inside: Resized["inside"],
  style: Style,
): string[] {
  if (!changed) return [`Nothing changed: the vps is a ${to} already, the smallest type with this size.`];
  const what = `The vps was a ${from} and is a ${to}.`;
  if (off === undefined || inside === undefined)
    return [what, style.warn("It is off. To start it: trilab up")];
  const { after, before } = inside;
  return [
    `${what} For that it was off for ${off.toFixed(1)} s${silent === undefined ? "" : `, and answered again after ${silent.toFixed(1)} s`}.`,
    `seen inside: ${formatSize(before.memory)} → ${formatSize(after.memory)} of memory, ${before.cpus} → ${after.cpus} CPUs`,
  ];
}
