import type { RentedCost } from "../classes/rented-seats.js";
import { formatUsd } from "../model/prices.js";

const WORDS = {
  endless: "cost money without end, as their seats have none",
  unknown: "have no price in trilab's table (trilab cost --refresh)",
};

/** What rented machines cost, for people: `cost $1.20 until the seats' end`. */
export const costWords = (cost: RentedCost): string =>
  typeof cost === "number" ? `cost ${formatUsd(cost)} until the seats' end` : WORDS[cost];
