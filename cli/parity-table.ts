import { rentedWords } from "../model/clouds.js";
import type { Target } from "../model/naming.js";
import type { ParityReport, Verdict } from "../seats/parity.js";
import type { RentedShape } from "../seats/rented-shape.js";
import { columns, type Style } from "./context.js";

const MARK: Record<Verdict, string> = { match: "=", nature: "~", wrong: "✗" };
const HEADING: Record<Verdict, string> = {
  match: "the same in all",
  nature: "different by nature",
  wrong: "wrong",
};

/** The parity report as a table: what matches, what differs by nature and why, what is wrong and why. */
export function parityLines(
  report: ParityReport,
  targets: readonly Target[],
  style: Style,
  rented?: RentedShape,
): string[] {
  const words = rented && rentedWords({ cloud: rented.cloud, type: rented.type.name });
  const heads = targets.map((t) => (t === "vps" && words ? `vps (${words})` : t));
  const paint: Record<Verdict, (text: string) => string> = {
    match: style.good,
    nature: style.warn,
    wrong: style.bad,
  };
  const rows: string[][] = [];
  const notes: (string | undefined)[] = [];
  for (const verdict of ["match", "nature", "wrong"] as const) {
    const some = report.rows.filter((row) => row.verdict === verdict);
    if (some.length === 0) continue;
    rows.push(["", HEADING[verdict], "wanted", ...heads].map(style.bold));
    notes.push(undefined);
    for (const row of some) {
      rows.push([
        paint[verdict](MARK[verdict]),
        row.title,
        row.wanted || "–",
        ...targets.map((t) => row.values[t] ?? "–"),
      ]);
      notes.push(row.note || undefined);
    }
  }
  // One grid for all rows, so that the columns align. A note goes below its row, because it may be long.
  return columns(rows).flatMap((line, i) => {
    const note = notes[i];
    return note === undefined ? [line] : [line, style.dim(`     ${note}`)];
  });
}

/** One line: how many match, differ by nature, are wrong. */
export function parityVerdict(report: ParityReport, style: Style): string {
  const count = (verdict: Verdict): number => report.rows.filter((r) => r.verdict === verdict).length;
  const wrong = count("wrong");
  const summary = `parity: ${count("match")} match, ${count("nature")} differ by nature, ${wrong} wrong`;
  return wrong > 0 ? style.bad(summary) : style.good(summary);
}
