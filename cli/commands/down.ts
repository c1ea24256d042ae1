import { ExitCode, UserError } from "../../base/errors.js";
import type { Endpoints } from "../../model/endpoint.js";
import { type Context, report } from "../context.js";
import { type Args, defineCommand, flag, seatOptions, text } from "../define-command.js";
import { chosenEndpoints, endpointOptions } from "../endpoints.js";
import { receiptLines } from "../receipt-lines.js";
import { DEFAULT_LAB, defaultSeat, labName, matchingSeats } from "../seat-meant.js";

export const down = defineCommand({
  usage: "down [lab]",
  description: "remove a seat and prove that nothing is left",
  positionals: { lab: { type: "string", describe: "the lab; default: that of the only seat there is" } },
  options: {
    ...seatOptions,
    "by-label": {
      type: "boolean",
      describe:
        "don't use the state (it is lost or damaged): remove what has the seat's labels or names; without a record, the chosen daemons are searched, and AWS if there are credentials and a region",
    },
    "host-gone": {
      type: "boolean",
      describe:
        "a host that does not answer is gone for good: remove the rest, and forget what was on that host",
    },
    ...endpointOptions,
  },
  examples: [
    ["trilab down", "your seat"],
    ["trilab down first-boot --seat alice --by-label", "alice's seat, if its state is lost"],
  ],
  handler: removeMachines,
});

async function removeMachines(args: Args, ctx: Context): Promise<number> {
  const [byLabel, hostGone] = [flag(args, "by-label"), flag(args, "host-gone")];
  const chosen = await chosenEndpoints(args);
  const id = await whichSeat(text(args, "lab"), text(args, "seat"), byLabel ? chosen : undefined);
  const { checkSeatName } = await import("../../seats/prepare-seat.js");
  checkSeatName(id.seat);
  const { takeDown } = await import("../../seats/down.js");
  const { isClean } = await import("../../seats/receipt.js");
  const receipt = await ctx.follow(takeDown(id, { chosen, byLabel, hostGone, signal: ctx.signal }));
  report(ctx, "receipt", receipt, () => receiptLines(receipt, ctx.style));
  return isClean(receipt) ? ExitCode.done : ExitCode.residue;
}

/**
 * The seat to remove: the caller's own or the only one. A seat that does not exist must be given by its name.
 *
 * @param chosen Set with --by-label: then an unknown lab must have left something here.
 */
async function whichSeat(
  lab: string | undefined,
  seat: string | undefined,
  chosen: Endpoints | undefined,
): Promise<{ lab: string; seat: string }> {
  const there = await matchingSeats(lab, seat ?? defaultSeat());
  const [only, second] = there.length > 0 ? there : await matchingSeats(lab, seat);
  if (second !== undefined) {
    throw new UserError("several seats match", {
      why: (await matchingSeats(lab, seat)).map((s) => `lab ${s.lab}, seat ${s.seat}`).join("\n"),
      fix: "choose one: trilab down LAB --seat SEAT",
      exitCode: ExitCode.usage,
    });
  }
  if (only !== undefined) return only;
  const wanted = { lab: labName(lab ?? DEFAULT_LAB), seat: seat ?? defaultSeat() };
  const { labNames, loadLab } = await import("../../labs/load-lab.js");
  // If the lab is not registered and has left nothing under this name, the name is a typing error.
  if (!(await labNames()).includes(wanted.lab)) {
    const { leftovers } = await import("../../seats/daemons-to-search.js");
    if (chosen === undefined || !(await leftovers(wanted, chosen))) await loadLab(lab ?? DEFAULT_LAB);
  }
  return wanted;
}
