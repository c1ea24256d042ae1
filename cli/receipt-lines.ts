import type { Receipt } from "../stacks/remove-seat.js";
import { columns, type Style } from "./context.js";

/** A receipt for people: what was asked, how many of each kind are left, and which. */
export function receiptLines(receipt: Receipt, style: Style): string[] {
  const { bad, bold, dim, good } = style;
  const { docker, libvirt } = receipt.asked;
  const asked = [docker && "Docker", libvirt && "libvirt"].filter(Boolean).join(" and ");
  const shown = (count: number | null): string =>
    count === null ? dim("not asked") : count === 0 ? good("0") : bad(String(count));
  const rows = Object.entries(receipt.left).map(([kind, count]) => [`  ${kind}s`, shown(count)]);
  return [
    bold(`Residue receipt: lab ${receipt.lab}, seat ${receipt.seat}`) +
      dim(` (asked ${asked || "nobody: neither daemon is here"}, ${receipt.at})`),
    ...columns(rows),
    ...receipt.residue.map((found) => bad(`  left: ${found.kind} ${found.name}`)),
    receipt.residue.length === 0
      ? good("Nothing is left.")
      : bad("Not everything could be removed; run it again, or remove the rest by hand."),
    ...(receipt.residue.length === 0
      ? [dim("The image stays cached for the next up: trilab images prune removes it.")]
      : []),
  ];
}
