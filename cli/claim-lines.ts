import { wrapLine } from "../base/wrap.js";
import {
  type ClaimVerdict,
  type JudgedClaim,
  type JudgedPart,
  sourceWords,
  VERDICT_WORDS,
} from "../report/judge-claims.js";
import type { Context, Style } from "./context.js";

const SIGNS: Readonly<Record<ClaimVerdict, string>> = {
  holds: "✓",
  "does-not-hold": "✗",
  depends: "~",
  "not-measured": "?",
};

const PART_SIGNS: Readonly<Record<JudgedPart["outcome"], string>> = {
  true: "✓",
  false: "✗",
  open: "~",
  missing: "?",
};

/** The widest line without a terminal. */
const PAGE = 100;

/** Each claim with its verdict and with what decides it, then how many of each there are. */
export function claimLines(
  judged: readonly JudgedClaim[],
  counts: Readonly<Record<ClaimVerdict, number>>,
  { screen, style }: Pick<Context, "screen" | "style">,
): string[] {
  const width = Math.min(PAGE, screen?.columns ?? PAGE);
  return [
    ...judged.flatMap((claim) => ["", ...linesOf(claim, width, style)]),
    "",
    `${judged.length} claims: ${counts.holds} hold, ${counts["does-not-hold"]} do not hold, ${counts.depends} depend, ${counts["not-measured"]} are not measured here`,
  ];
}

function linesOf(claim: JudgedClaim, width: number, style: Style): string[] {
  const paint = {
    holds: style.good,
    "does-not-hold": style.bad,
    depends: style.warn,
    "not-measured": style.dim,
  };
  const wrapped = (line: string): string[] => wrapLine(line, width);
  const [first = "", ...rest] = wrapped(`${SIGNS[claim.verdict]} ${claim.claim}`);
  return [
    ...[first, ...rest.map((line) => `  ${line}`)].map(style.bold),
    `  ${paint[claim.verdict](VERDICT_WORDS[claim.verdict])} ${style.dim(`(${sourceWords(claim.source)})`)}`,
    ...claim.parts.flatMap((part) => wrapped(`    ${partLine(part)}`)),
    ...(claim.why === undefined ? [] : wrapped(`    ${claim.why}`)),
    ...(claim.explanation === undefined ? [] : wrapped(`  ${claim.explanation}`).map(style.dim)),
    ...(claim.measure === undefined ? [] : wrapped(`  → ${claim.measure}`)),
  ];
}

const partLine = ({ figures, outcome, what, why }: JudgedPart): string =>
  `${PART_SIGNS[outcome]} ${what}: ${[figures, why].filter(Boolean).join("; ")}`;
