import { localTime } from "../../base/local-time.js";
import type { Forecast } from "../../classes/forecast.js";
import type { ClassPlan } from "../../classes/plan-class.js";
import type { RentedSeats } from "../../classes/rented-seats.js";
import { formatUsd } from "../../model/prices.js";
import { formatDuration, formatSize } from "../../model/units.js";
import { classFileOptions, classFilePositional, classWish } from "../class-meant.js";
import { columns, report, type Style } from "../context.js";
import { defineCommand } from "../define-command.js";

export const classPlan = defineCommand({
  usage: "plan [file]",
  description: "say what class up would do, and whether it fits; nothing is made",
  positionals: classFilePositional,
  options: classFileOptions,
  handler: async (args, ctx) => {
    const { planClass } = await import("../../classes/plan-class.js");
    const { forecast } = await import("../../classes/forecast.js");
    const plan = await planClass(await classWish(args));
    const expected = await forecast(plan);
    report(ctx, "class-plan", planData(plan, expected), () => [
      ...planLines(plan, ctx.style),
      ...timeLines(plan, expected, ctx.style),
    ]);
    return undefined;
  },
});

const planData = (
  { hosts, lab, name, readyBy, rented, seats, staying }: ClassPlan,
  expected: Forecast | undefined,
): object => ({
  class: name,
  lab: lab.name,
  ...(readyBy === undefined ? {} : { readyBy: new Date(readyBy).toISOString() }),
  ...(expected ? { forecast: expected } : {}),
  ...(rented ? { rented } : {}),
  hosts: hosts.map(({ drivers: _, ...host }) => host),
  seats: seats.map(({ host, learner, plan }) => ({
    ...learner,
    host,
    targets: plan.targets,
    new: plan.existing === undefined,
  })),
  left: staying,
});

/** How long the new seats will take, and when to start them. */
function timeLines({ readyBy, seats }: ClassPlan, expected: Forecast | undefined, style: Style): string[] {
  const news = seats.filter(({ plan }) => plan.existing === undefined).length;
  if (news === 0) return [];
  if (expected === undefined)
    return [`How long the new seats take is not known yet. To measure one: trilab class rehearse ${news}`];
  const { measured, seconds, startBy } = expected;
  return [
    `The new seats should be ready ${formatDuration(Math.ceil(seconds))} after the start, computed from one that was measured on ${localTime(measured.at)}. An image that a host does not have takes extra time.`,
    ...(readyBy === undefined || startBy === undefined ? [] : [startLine(readyBy, startBy, style)]),
  ];
}

function startLine(readyBy: number, start: number, style: Style): string {
  const lesson = `The lesson begins at ${localTime(new Date(readyBy).toISOString())}`;
  if (start < Date.now()) return style.warn(`${lesson}. Start the class now.`);
  const at = localTime(new Date(start).toISOString());
  return `${lesson}. Start the class by ${at}, which leaves twice that time.`;
}

/** What `class up` will do, in a few lines. */
export function planLines({ hosts, lab, name, rented, seats, staying }: ClassPlan, style: Style): string[] {
  const news = seats.filter(({ plan }) => plan.existing === undefined).length;
  return [
    style.bold(`class ${name}: lab ${lab.name}, ${seats.length} learners`),
    `${news} new seats, ${seats.length - news} existing ones`,
    ...columns([
      ["HOST", "SEATS NOW", "SEATS PLANNED", "MEMORY OF ITS GUESTS"].map(style.bold),
      ...hosts.map((host) => [
        host.name,
        String(host.now),
        String(host.planned),
        `${formatSize(host.guestMemory)} of ${formatSize(host.memory)}`,
      ]),
    ]),
    style.dim("A container takes the memory that it uses; a guest may take all that it is given."),
    ...(rented ? [costLine(rented), ...quotaLines(rented)] : []),
    ...staying.map(({ name: learner, seat }) =>
      style.warn(
        `${learner || seat} is not in the roster any more; seat ${seat} stays (to remove it: trilab down ${lab.name} --seat ${seat})`,
      ),
    ),
  ];
}

/** What the rented machines of a class cost, for people. */
const costLine = ({ cost, machines, news }: RentedSeats): string =>
  `${machines} rented machines, ${news?.seats ?? 0} of them new, ${cost === undefined ? "at a cost without end, or that trilab does not know" : `cost ${formatUsd(cost)} until the seats' end`}`;

/** How much of the quotas is in use, for people. */
const quotaLines = ({ quotas }: RentedSeats): string[] =>
  quotas.map(({ limit, of, problem, used }) =>
    limit === undefined
      ? `AWS does not tell its quota of ${of} (${problem}); ${used} in use`
      : `AWS allows ${limit} ${of} in that region; ${used} in use`,
  );
