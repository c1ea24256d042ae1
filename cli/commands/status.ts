import { messageAndWhy } from "../../base/errors.js";
import { formatUsd } from "../../model/prices.js";
import type { StatusRow } from "../../seats/status.js";
import { type Context, columns, report } from "../context.js";
import { type Args, defineCommand, onlySeatOptions, text } from "../define-command.js";
import { matchingSeats, noSeat } from "../seat-meant.js";
import { timeLeft } from "../time-left.js";

export const status = defineCommand({
  usage: "status",
  description: "list what is up, as Docker, libvirt and AWS report it",
  options: onlySeatOptions,
  handler: showStatus,
});

async function showStatus(args: Args, ctx: Context): Promise<undefined> {
  const [lab, seat] = [text(args, "lab"), text(args, "seat")];
  const seats = await matchingSeats(lab, seat);
  // Without a name, "Nothing is up" is an answer. A seat that was named must exist.
  if (seats.length === 0 && (lab !== undefined || seat !== undefined)) throw noSeat(lab, seat);
  const { seatStatus } = await import("../../seats/status.js");
  const { rows, silent } = await seatStatus(seats);
  for (const error of silent) ctx.tell(messageAndWhy(error));
  report(ctx, "status", { seats: rows }, () => {
    if (rows.length === 0) return ["Nothing is up. Start with: trilab up"];
    const { bad, bold, good, warn } = ctx.style;
    const costs = rows.some(({ cost }) => cost !== undefined);
    return columns([
      ["LAB", "SEAT", "TARGET", "STATE", "ADDRESS", "EXPIRES", ...(costs ? ["COST"] : [])].map(bold),
      ...rows.map((r) => [
        r.lab,
        r.seat,
        r.rented === undefined ? r.target : `${r.target} (${r.rented})`,
        r.state === "running" ? good(runningWords(r)) + homeWords(r, warn) : bad(stateWords(r)),
        r.address,
        timeLeft(r.expires),
        ...(costs ? [costWords(r.cost)] : []),
      ]),
    ]);
  });
  return undefined;
}

/** `running`, `running (was resumed)`, `running on lab2` */
const runningWords = ({ node, resumed, state }: StatusRow): string =>
  resumed ? "running (was resumed)" : node === undefined ? state : `${state} on ${node}`;

/** Says that a Swarm has made the container anew on another node: its home did not follow. */
const homeWords = ({ homesElsewhere = [] }: StatusRow, warn: (text: string) => string): string =>
  homesElsewhere.length === 0
    ? ""
    : warn(`, without the home that it had on ${homesElsewhere.join(" and ")}`);

/** `exited: stopped`, `shut off: time was up`, `stopped` (AWS's own word). */
const stateWords = ({ off, state }: StatusRow): string =>
  off === undefined || off === state ? state : `${state}: ${off}`;

/** `$0.02 so far, $0.05 by its end`. */
function costWords(cost: StatusRow["cost"]): string {
  if (cost === undefined) return "";
  if (cost === null) return "price not known: trilab cost --refresh";
  const { perHour, soFar, untilEnd } = cost;
  return `${formatUsd(soFar)} so far, ${untilEnd === null ? `${formatUsd(perHour)} an hour` : `${formatUsd(untilEnd)} by its end`}`;
}
