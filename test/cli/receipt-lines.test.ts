import { expect, test } from "vitest";
import { localTime } from "../../base/local-time.js";
import { receiptLines } from "../../cli/receipt-lines.js";
import { KINDS } from "../../model/kinds.js";
import type { Receipt } from "../../seats/receipt.js";

const as = (text: string): string => text;
const style = { bold: as, dim: as, good: as, bad: as, warn: as };

test("a receipt says when it asked, in local time", () => {
  const at = "2026-11-26T08:13:59.116Z";
  const left = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Receipt["left"];
  const receipt = { lab: "l", seat: "s", left, residue: [], asked: [], gone: [], at };
  const [first] = receiptLines(receipt, style);
  expect(first).toContain(`, ${localTime(at)})`);
  expect(first).not.toContain(at);
});
