import { localTime } from "../base/local-time.js";
import { type Endpoint, endpointsWords, endpointWords, isSwarm } from "../model/endpoint.js";
import { isAwsKind, KINDS, type Kind } from "../model/kinds.js";
import { formatUsd } from "../model/prices.js";
import type { Receipt } from "../seats/receipt.js";
import { columns, type Style } from "./context.js";

/** The kinds that a receipt has lines for: those of AWS and of a Swarm only if one was asked. */
export const receiptKinds = (asked: readonly Endpoint[]): Kind[] =>
  KINDS.filter((kind) => asked.some((endpoint) => endpoint.kind === "ec2") || !isAwsKind(kind)).filter(
    (kind) => kind !== "container home" || asked.some(isSwarm),
  );

/** A receipt for people: who was queried, how many of each kind are left, and which. */
export function receiptLines(receipt: Receipt, style: Style): string[] {
  const { bad, bold, dim, good, warn } = style;
  const asked = endpointsWords(receipt.asked);
  const aws = receipt.asked.some(({ kind }) => kind === "ec2");
  const shown = (count: number | null): string =>
    count === null ? dim("not asked") : count === 0 ? good("0") : bad(String(count));
  const rows = receiptKinds(receipt.asked).map((kind) => [`  ${kind}s`, shown(receipt.left[kind])]);
  if (!aws) rows.push(["  rented from AWS", shown(null)]);
  return [
    bold(`Residue receipt: lab ${receipt.lab}, seat ${receipt.seat}`) +
      dim(` (asked ${asked || "nobody"}, ${localTime(receipt.at)})`),
    ...columns(rows),
    ...receipt.residue.map((found) => bad(`  left: ${found.kind} ${found.name}`)),
    ...(receipt.cost === undefined
      ? []
      : [
          dim(
            `  renting it has cost about ${formatUsd(receipt.cost)}, by list price without tax and traffic`,
          ),
        ]),
    ...receipt.gone.map((endpoint) =>
      warn(
        `${endpointWords(endpoint)} was not asked: it does not answer. Its part of the seat is forgotten.`,
      ),
    ),
    receipt.residue.length === 0
      ? good(asked ? `Nothing of it is left at ${asked}.` : "The seat is forgotten; nobody was asked.")
      : bad("Not everything could be removed; run it again, or remove the rest by hand."),
    ...(receipt.residue.length === 0
      ? [dim("The image stays cached for the next up: trilab images prune removes it.")]
      : []),
  ];
}
