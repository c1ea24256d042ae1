import type { Orphan, Reaped, ReapedOrphan, ReapSeat } from "../seats/reap.js";
import { columns, type Style } from "./context.js";
import { receiptLines } from "./receipt-lines.js";
import { moment } from "./time-left.js";

export interface ReapResult {
  dryRun: boolean;
  seats: readonly (ReapSeat | Reaped)[];
  orphans: readonly (Orphan | ReapedOrphan)[];
}

/** What exists, when it ends and what happened to it; then the receipt of each removed seat. */
export function reapLines({ dryRun, seats, orphans }: ReapResult, style: Style): string[] {
  if (seats.length + orphans.length === 0) return ["There are no seats here."];
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

/** @param flags The options that would remove it, if it is left alone. */
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
    case "unsure":
      return "left alone: its daemon does not tell whether it was extended";
    case "young":
      return "left alone: its machine may be in creation";
  }
}
