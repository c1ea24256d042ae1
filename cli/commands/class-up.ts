import { setTimeout as sleep } from "node:timers/promises";
import { ExitCode, UserError } from "../../base/errors.js";
import { localTime, parseMoment } from "../../base/local-time.js";
import type { SeatUp } from "../../classes/class-up.js";
import type { ClassPlan, ClassWish, LostParts } from "../../classes/plan-class.js";
import type { Lost } from "../../classes/replace-lost.js";
import { formatDuration } from "../../model/units.js";
import { agreeToRent } from "../agree-to-rent.js";
import { classFileOptions, classFilePositional, classWish } from "../class-meant.js";
import { type Context, report, type Style } from "../context.js";
import { type Args, defineCommand, flag, text, yesOption } from "../define-command.js";
import { readyHost } from "../make-host-ready.js";
import { moment } from "../time-left.js";
import { answerWait, waitOption } from "../wait.js";
import { workersOf, workersOption } from "../workers.js";
import { planLines } from "./class-plan.js";

export const classUp = defineCommand({
  usage: "up [file]",
  description: "start a seat for each learner of a roster; what is up already stays as it is",
  positionals: classFilePositional,
  options: {
    ...classFileOptions,
    ...workersOption,
    ...waitOption,
    "replace-lost": {
      type: "boolean",
      describe:
        "place the seats of hosts that do not answer on the other hosts, as new ones; what learners did there is given up",
    },
    at: { type: "string", describe: "wait until this time: 2026-11-30T08:30" },
    yes: {
      ...yesOption.yes,
      describe: "don't ask before installing or starting what is missing, or before renting",
    },
  },
  examples: [
    ["trilab class up", "the class in ./class.yaml"],
    ["trilab class up --roster students.csv --lab by-hand", "without a class.yaml"],
  ],
  handler: bringUp,
});

async function bringUp(args: Args, ctx: Context): Promise<number> {
  const [waitMs, workers, at] = [answerWait(args), workersOf(args), timeOf(args)];
  let { lost, plan, wish } = await planned(args, ctx);
  for (const line of planLines(plan, ctx.style)) ctx.tell(line);
  const givenUp = await agreeToGiveUp(ctx, lost, flag(args, "yes"));
  const rented = plan.rented?.news;
  if (rented) await agreeToRent(ctx, rented, flag(args, "yes"));
  const used = usedHosts(plan.seats);
  for (const { drivers, name } of plan.hosts)
    if (used.has(name)) await readyHost(ctx, drivers, flag(args, "yes"));
  if (at > Date.now()) {
    ctx.tell(`waiting until ${moment(new Date(at).toISOString())} …`);
    await sleep(at - Date.now(), undefined, { signal: ctx.signal }).catch(() => {});
    if (ctx.signal.aborted) return ExitCode.interrupted;
    const agreed = new Set(plan.hosts.map(({ name }) => name));
    await (await import("../../shared/shared-state.js")).refreshShared();
    ({ lost, plan, wish } = await planned(args, ctx)); // The roster may have changed.
    requireAgreed(plan, agreed, rented?.seats ?? 0);
    requireGivenUp(lost, givenUp);
  }
  if (lost.seats.length > 0) plan = await withoutLost(wish, lost, ctx);
  const began = Date.now();
  const { bringUpClass } = await import("../../classes/class-up.js");
  const { loadProgram } = await import("../../seats/up.js");
  await loadProgram();
  const seats = await ctx.follow(bringUpClass(plan, { waitMs, workers, signal: ctx.signal }));
  return show(ctx, plan, seats, (Date.now() - began) / 1000);
}

/** The hosts that get or have a learner's seat. One with nothing but the seats of learners who have left needs nothing. */
const usedHosts = (seats: ClassPlan["seats"]): ReadonlySet<string> => new Set(seats.map(({ host }) => host));

/** A class as it is planned, and what is given up of it before. */
interface Planned {
  wish: ClassWish;
  lost: Lost;
  plan: ClassPlan;
}

/** Plans the class; with --replace-lost, as if the seats on hosts that do not answer were gone. Nothing is given up yet. */
async function planned(args: Args, ctx: Context): Promise<Planned> {
  const { planClass } = await import("../../classes/plan-class.js");
  const wish = await classWish(args);
  if (!flag(args, "replace-lost"))
    return { wish, lost: { hosts: [], seats: [] }, plan: await planClass(wish) };
  const { findLost } = await import("../../classes/replace-lost.js");
  const lost = await findLost(wish);
  const names = lost.hosts.map(({ name }) => `"${name}"`).join(" and ");
  const seats = seatNames(lost);
  ctx.tell(
    lost.hosts.length === 0
      ? "Every host of the class answers, or refuses this computer, so no seat is lost."
      : `${names} did not answer. Seats there: ${seats.join(", ") || "none"}.`,
  );
  return { wish, lost, plan: await planClass({ ...wish, lost: partsOf(lost, seats) }) };
}

const seatNames = ({ seats }: Lost): string[] => seats.map(({ seat }) => seat);

const partsOf = ({ hosts }: Lost, seats: readonly string[]): LostParts => ({
  hosts: new Set(hosts.map(({ name }) => name)),
  seats: new Set(seats),
});

/** Asks whether the lost seats may be given up. @returns them. @throws UserError (exit 2) when the user does not agree. */
async function agreeToGiveUp(ctx: Context, lost: Lost, yes: boolean): Promise<ReadonlySet<string>> {
  const seats = seatNames(lost);
  if (seats.length > 0) {
    const question = `Give up these ${seats.length} seats, with what learners did in them, and make new ones on other hosts?`;
    if (!yes && (await ctx.confirm(question)) !== true) {
      throw new UserError("the seats were not given up", {
        why: "nothing was changed",
        fix: "bring the host back; or run it again with -y",
        exitCode: ExitCode.usage,
      });
    }
  }
  return new Set(seats);
}

/** Gives the lost seats up. @returns the class's plan without them. */
async function withoutLost(wish: ClassWish, lost: Lost, ctx: Context): Promise<ClassPlan> {
  const { forgetLost } = await import("../../classes/replace-lost.js");
  const { planClass } = await import("../../classes/plan-class.js");
  await ctx.follow(forgetLost(wish.spec.name, lost.seats, { chosen: wish.endpoints, signal: ctx.signal }));
  return planClass({ ...wish, lost: partsOf(lost, []) });
}

/** @throws UserError (exit 2) when seats were lost after the user had agreed to what is given up. */
function requireGivenUp(lost: Lost, agreed: ReadonlySet<string>): void {
  const more = seatNames(lost).filter((seat) => !agreed.has(seat));
  if (more.length === 0) return;
  throw new UserError("the class has changed since it was planned", {
    why: `the hosts of more seats do not answer, and you have not agreed to give those up: ${more.join(", ")}`,
    fix: "run the command again: trilab class up --replace-lost",
    exitCode: ExitCode.usage,
  });
}

/** The time of --at, in milliseconds; 0 without it. @throws UserError (exit 2) when it is none, or more than a week away. */
function timeOf(args: Args): number {
  const word = text(args, "at");
  if (word === undefined) return 0;
  const at = parseMoment(word);
  if (at !== undefined && at - Date.now() < WEEK_MS) return at;
  throw new UserError(`"${word}" is not a time to start at`, {
    why: at === undefined ? "it is not a time" : "it is more than a week away",
    fix: "write it like 2026-11-30T08:30, in this machine's time zone, or 2026-11-30T08:30+01:00",
    exitCode: ExitCode.usage,
  });
}

/** @throws UserError (exit 2) when a class that was planned anew rents more than was agreed to, or needs hosts that were not looked at. */
function requireAgreed(
  { hosts, rented: renting, seats }: ClassPlan,
  known: ReadonlySet<string>,
  rented: number,
): void {
  const now = renting?.news?.seats ?? 0;
  const strange = hosts.filter(({ name }) => usedHosts(seats).has(name) && !known.has(name));
  if (now <= rented && strange.length === 0) return;
  throw new UserError("the class has changed since it was planned", {
    why:
      now > rented
        ? `it would rent ${now} machines, and you have agreed to ${rented}`
        : `it has other hosts now: ${strange.map(({ name }) => name).join(", ")}`,
    fix: "run the command again: trilab class up",
    exitCode: ExitCode.usage,
  });
}

/** Whether the class is in time for its lesson. */
function lessonLine(readyBy: number, style: Style): string {
  const early = (readyBy - Date.now()) / 1000;
  const lesson = `the lesson begins (${localTime(new Date(readyBy).toISOString())})`;
  return early >= 0
    ? `That is ${formatDuration(Math.floor(early))} before ${lesson}.`
    : style.warn(`That is ${formatDuration(Math.ceil(-early))} later than ${lesson}.`);
}

const WEEK_MS = 7 * 24 * 3600 * 1000;

function show(ctx: Context, plan: ClassPlan, seats: readonly SeatUp[], seconds: number): number {
  const { bad, good } = ctx.style;
  const failed = seats.filter(({ state }) => state === "failed");
  const notBegun = seats.filter(({ state }) => state === "not begun");
  const up = seats.filter(({ state }) => state === "up");
  const strange = up.filter(({ inTolerance }) => !inTolerance);
  const unchanged = up.filter((seat) => seat.unchanged).length;
  report(ctx, "class-up", { class: plan.name, lab: plan.lab.name, seats, seconds }, () => [
    ...failed.map(({ problem, seat }) => bad(`${seat}: ${problem}`)),
    ...strange.map(({ differs, seat }) =>
      bad(`${seat}: its targets differ from the lab's machine: ${differs.join("; ")}`),
    ),
    `${good(`${up.length} of ${seats.length} seats are up`)}, ${unchanged} of them unchanged (${seconds.toFixed(1)} s)`,
    ...(plan.readyBy === undefined ? [] : [lessonLine(plan.readyBy, ctx.style)]),
    ...(failed.length > 0 ? ["To try the failed ones again: trilab class up"] : []),
    ...(notBegun.length > 0
      ? [`Not begun: ${notBegun.map(({ seat }) => seat).join(", ")}. To go on: trilab class up`]
      : []),
    "",
    "  to see it:  trilab class status",
    "  to remove everything:  trilab class down",
  ]);
  if (ctx.signal.aborted) return ExitCode.interrupted;
  if (failed.length > 0) return ExitCode.failed;
  return strange.length > 0 ? ExitCode.parityOutOfTolerance : ExitCode.done;
}
