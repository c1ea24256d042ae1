import type { Target } from "../components/helpers/naming.js";
import type { ParityReport, Verdict } from "../environments/parity.js";
import { columns, type Style } from "./context.js";

const MARK: Record<Verdict, string> = { match: "=", nature: "~", wrong: "✗" };

/** The parity report as a table: what matches, what differs by nature (and why), what is wrong. */
export function parityLines(report: ParityReport, targets: readonly Target[], style: Style): string[] {
  const paint: Record<Verdict, (text: string) => string> = {
    match: style.good,
    nature: style.dim,
    wrong: style.bad,
  };
  const shown = (verdict: Verdict): string => paint[verdict](MARK[verdict]);
  const rows = report.rows.map((row) => [
    shown(row.verdict),
    row.title,
    row.wanted,
    ...targets.map((t) => row.values[t] ?? "–"),
    row.verdict === "wrong" ? style.bad(row.note) : style.dim(row.note),
  ]);
  return columns([[" ", "", "wanted", ...targets, ""].map(style.bold), ...rows]);
}

/** One line: how many match, differ by nature, are wrong. */
export function parityVerdict(report: ParityReport, style: Style): string {
  const count = (verdict: Verdict): number => report.rows.filter((r) => r.verdict === verdict).length;
  const wrong = count("wrong");
  const summary = `parity: ${count("match")} match, ${count("nature")} differ by nature, ${wrong} wrong`;
  return wrong > 0 ? style.bad(summary) : style.good(summary);
}
