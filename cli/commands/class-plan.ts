import { ExitCode, messageAndWhy } from "../../base/errors.js";
import { localTime } from "../../base/local-time.js";
import type { Forecast } from "../../classes/forecast.js";
import type { ClassPlan } from "../../classes/plan-class.js";
import type { RentedSeats } from "../../classes/rented-seats.js";
import { formatDuration, formatSize } from "../../model/units.js";
import { costWords } from "../class-cost-words.js";
import { classFileOptions, classFilePositional, classWish } from "../class-meant.js";
import { columns, report, type Style } from "../context.js";
import { type Args, defineCommand, text } from "../define-command.js";

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
      ...timeLines(plan, expected, rehearsalOf(args), ctx.style),
    ]);
    return plan.unreadable.size > 0 ? ExitCode.couldNotLook : ExitCode.done;
  },
});

const planData = (
  { hosts, lab, name, readyBy, rented, seats, staying, unreadable }: ClassPlan,
  expected: Forecast | undefined,
): object => ({
  class: name,
  lab: lab.name,
  ...(readyBy === undefined ? {} : { readyBy: new Date(readyBy).toISOString() }),
  ...(expected ? { forecast: { ...expected, ...startOf(expected) } } : {}),
  ...(rented ? { rented: withoutShares(rented) } : {}),
  hosts: hosts.map(({ drivers: _, ...host }) => host),
  seats: seats.map(({ host, learner, plan }) => ({
    ...learner,
    host,
    targets: plan.targets,
    new: plan.existing === undefined,
  })),
  left: staying,
  unreadable: [...unreadable].map(([seat, error]) => ({ seat, problem: messageAndWhy(error) })),
});

const withoutShares = ({ shares: _, ...rented }: RentedSeats): object => rented;

const startOf = ({ startBy }: Forecast): { startBy?: string } =>
  startBy === undefined ? {} : { startBy: new Date(startBy).toISOString() };

/** The options of this plan, for a rehearsal of the same seats. */
const rehearsalOf = (args: Args): string[] => {
  const options = ["lab", "on", "cloud"].map((name) => text(args, name) && `--${name} ${text(args, name)}`);
  return [text(args, "file"), ...options].filter((word) => word !== undefined);
};

/** How long the new seats will take, and when to start them. */
function timeLines(
  { readyBy, seats }: ClassPlan,
  expected: Forecast | undefined,
  options: readonly string[],
  style: Style,
): string[] {
  const news = seats.filter(({ plan }) => plan.existing === undefined).length;
  if (news === 0) return [];
  if (expected === undefined)
    return [
      `How long the new seats take is not known yet. To measure one: ${["trilab class rehearse", news, ...options].join(" ")}`,
    ];
  const { measured, seconds, startBy } = expected;
  return [
    `The new seats should be ready ${formatDuration(Math.ceil(seconds))} after the start, computed from one that was measured on ${localTime(measured.at)}. An image that a host does not have takes extra time.`,
    ...(readyBy === undefined || startBy === undefined ? [] : [startLine(readyBy, startBy, style)]),
  ];
}

function startLine(readyBy: number, start: number, style: Style): string {
  const at = localTime(new Date(readyBy).toISOString());
  if (readyBy < Date.now()) return style.warn(`The time in readyBy, ${at}, has passed.`);
  const lesson = `The lesson begins at ${at}`;
  if (start < Date.now()) return style.warn(`${lesson}. Start the class now.`);
  return `${lesson}. Start the class by ${localTime(new Date(start).toISOString())}, which leaves twice that time.`;
}

/** What `class up` will do, in a few lines. */
export function planLines(
  { hosts, lab, learners, name, rented, seats, staying, unreadable }: ClassPlan,
  style: Style,
): string[] {
  const news = seats.filter(({ plan }) => plan.existing === undefined).length;
  return [
    style.bold(`class ${name}: lab ${lab.name}, ${learners.length} learners`),
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
    ...(rented ? rentedLines(rented) : []),
    ...[...unreadable].map(([seat, error]) => style.bad(`${seat}: ${messageAndWhy(error)}`)),
    ...staying.map(({ name: learner, seat }) =>
      style.warn(
        `${learner || seat} is not in the roster any more; seat ${seat} stays (to remove it: trilab down ${lab.name} --seat ${seat})`,
      ),
    ),
  ];
}

/** What the rented machines of a class cost, and how much of the quotas is in use. */
const rentedLines = ({ cost, machines, news, quotas }: RentedSeats): string[] => [
  `Rented machines: ${machines}, of which ${news?.seats ?? 0} are new; they ${costWords(cost)}.`,
  ...quotas.map(({ limit, of, problem, used }) =>
    limit === undefined
      ? `AWS did not report its quota of ${of} (${problem}); ${used} in use`
      : `AWS allows ${limit} ${of} in that region; ${used} in use`,
  ),
];
