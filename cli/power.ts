import type { PowerRequest, PowerResult } from "../seats/power.js";
import type { SeatRecord } from "../seats/seat-record.js";
import { type Context, report } from "./context.js";
import { type Args, text } from "./define-command.js";
import { requireTarget, resolveSeat } from "./seat-meant.js";

/** The positional of the commands that stop and start. */
export const targetOrAll = {
  target: { type: "string", describe: "container, guest or vps; default: all of the seat's" },
} as const;

/** Stops or starts what the command line names, and prints what became of it. */
export async function switchPower(
  kind: "start" | "stop" | "restart",
  args: Args,
  ctx: Context,
  request: Omit<PowerRequest, "targets" | "signal">,
): Promise<undefined> {
  const word = text(args, "target");
  const seatMeant = await resolveSeat(text(args, "lab"), text(args, "seat"));
  const { targetsOf } = await import("../seats/seat-record.js");
  const targets = word === undefined ? targetsOf(seatMeant) : [await requireTarget(seatMeant, word)];
  const { power } = await import("../seats/power.js");
  const { record, results } = await ctx.follow(power(seatMeant, { ...request, targets, signal: ctx.signal }));
  const { expiryInForce } = await import("../seats/lifetime.js");
  const { lab, machines, seat } = record;
  const address = (target: PowerResult["target"]): string | undefined =>
    machines.find((machine) => machine.target === target)?.address;
  const shown = results.map((result) => ({ ...result, address: address(result.target) }));
  const expires = expiryInForce(record);
  const ends = request.start ? [] : await afterStop(record, targets, expires);
  report(ctx, kind, { lab, seat, expires, targets: shown }, () => [
    ...shown.map((result) => resultLine(result, ctx)),
    ...ends.map((line) => ctx.style.dim(line)),
  ]);
  return undefined;
}

/** `guest: stopped (4.2 s)`, `vps: running, at 203.0.113.7 (41.0 s)` */
function resultLine(
  { address, ending, seconds, started, target }: PowerResult & { address: string | undefined },
  { style }: Context,
): string {
  const time = `(${seconds.toFixed(1)} s)`;
  if (started !== undefined) {
    const where = target === "vps" && address !== undefined ? `, at ${address}` : "";
    const words = started ? "running" : "ran already";
    return `${target}: ${style.good(words)}${where} ${time}`;
  }
  if (ending === "off") return `${target}: was stopped already`;
  return `${target}: ${ending === "forced" ? style.warn("switched off") : "stopped"} ${time}`;
}

/** What becomes of a target that stays stopped. */
async function afterStop(
  record: SeatRecord,
  targets: readonly PowerResult["target"][],
  expires: string,
): Promise<string[]> {
  const { isRented } = await import("../seats/open-target.js");
  const { timeLeft } = await import("./time-left.js");
  const rented = targets.some((target) => isRented(record, target));
  return [
    ...(expires === "never"
      ? []
      : [`The seat still expires ${timeLeft(expires)}; then trilab reap removes what is stopped.`]),
    ...(rented
      ? ["You still pay for the disk of the stopped vps, and it gets another address when it starts."]
      : []),
    "To start it again: trilab start",
  ];
}
