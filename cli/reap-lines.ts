import type { Orphan, Reaped, ReapedOrphan, ReapSeat } from "../seats/reap.js";
import { columns, type Style } from "./context.js";
import { receiptLines } from "./receipt-lines.js";
import { moment } from "./time-left.js";

export interface ReapResult {
  dryRun: boolean;
  seats: readonly (ReapSeat | Reaped)[];
  orphans: readonly (Orphan | ReapedOrphan)[];
}

/** What is here, when it ends and what became of it; then each removed seat's receipt. */
export function reapLines({ dryRun, seats, orphans }: ReapResult, style: Style): string[] {
  if (seats.length + orphans.length === 0) return ["No seats are here."];
  const rows = [
    ...seats.map((s) => [
      s.lab,
      s.seat,
      s.owner ?? "?",
      moment(s.expires ?? ""),
      became(s, "--unknown, or --others if it isn't yours"),
    ]),
    ...orphans.map((o) => [o.kind, o.name, "?", "", became(o, "--unknown")]),
  ];
  return [
    ...columns([["LAB", "SEAT", "OWNER", "ENDS", "WHAT"].map(style.bold), ...rows]),
    ...seats.flatMap((s) => ("receipt" in s && s.receipt ? receiptLines(s.receipt, style) : [])),
    ...(dryRun ? [style.dim("Nothing was removed: this was a dry run.")] : []),
  ];
}

/** @param flags What would have it removed, where it is left alone. */
function became(it: ReapSeat | Reaped | Orphan | ReapedOrphan, flags: string): string {
  if ("outcome" in it)
    return it.why === undefined ? it.outcome : `${it.outcome}: ${it.why.replaceAll("\n", " ")}`;
  switch (it.verdict) {
    case "live":
      return "stays";
    case "expired":
      return "would be removed";
    case "listed":
      return `left alone: not of this state directory (${flags})`;
    case "young":
      return "left alone: its machine may just be being made";
  }
}
