import { isAwsKind, KINDS, sourceWords } from "../model/kinds.js";
import { formatUsd } from "../model/prices.js";
import type { Receipt } from "../seats/remove-seat.js";
import { columns, type Style } from "./context.js";

/** A receipt for people: what was asked, how many of each kind are left, and which. */
export function receiptLines(receipt: Receipt, style: Style): string[] {
  const { bad, bold, dim, good } = style;
  const asked = sourceWords(receipt.asked);
  const shown = (count: number | null): string =>
    count === null ? dim("not asked") : count === 0 ? good("0") : bad(String(count));
  const rows = KINDS.filter((kind) => receipt.asked.aws || !isAwsKind(kind)).map((kind) => [
    `  ${kind}s`,
    shown(receipt.left[kind]),
  ]);
  if (!receipt.asked.aws) rows.push(["  rented from AWS", shown(null)]);
  return [
    bold(`Residue receipt: lab ${receipt.lab}, seat ${receipt.seat}`) +
      dim(` (asked ${asked || "nobody: no daemon is here"}, ${receipt.at})`),
    ...columns(rows),
    ...receipt.residue.map((found) => bad(`  left: ${found.kind} ${found.name}`)),
    ...(receipt.cost === undefined
      ? []
      : [
          dim(
            `  renting it has cost about ${formatUsd(receipt.cost)}, by list price without tax and traffic`,
          ),
        ]),
    receipt.residue.length === 0
      ? good("Nothing is left.")
      : bad("Not everything could be removed; run it again, or remove the rest by hand."),
    ...(receipt.residue.length === 0
      ? [dim("The image stays cached for the next up: trilab images prune removes it.")]
      : []),
  ];
}
