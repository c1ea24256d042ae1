import { expect, it } from "vitest";
import { claimLines } from "../../cli/claim-lines.js";
import { loadClaims } from "../../labs/claims.js";
import { countVerdicts, judgeClaims } from "../../report/judge-claims.js";

const plain = (text: string): string => text;
const style = { bold: plain, dim: plain, good: plain, bad: plain, warn: plain };

it("a claim's verdict, source, parts with what decides them, and what would measure the rest", async () => {
  const facts = {
    boot: { host: "h", container: "h", guest: "g" },
    "disk-limit": { container: "no", guest: "yes" },
  };
  const judged = judgeClaims(await loadClaims(), [{ facts }]);
  const lines = claimLines(judged, countVerdicts(judged), { style });
  const text = lines.join("\n");
  expect(text).toContain(
    "✓ A container has no kernel of its own; a virtual machine has one.\n  holds (course text)\n    ✓ the container uses",
  );
  expect(text).toMatch(
    /~ A container has a disk of its own.*\n {2}depends .*\n {4}✗ .*\n {4}✓ .*\n {2}A container writes/,
  );
  expect(text).toContain("  → trilab compare --probes host-calls");
  expect(lines.at(-1)).toBe(
    `${judged.length} claims: 1 hold, 0 do not hold, 1 depend, ${judged.length - 2} are not measured here`,
  );
  expect(lines.filter((line) => line.length > 102)).toEqual([]);
});
