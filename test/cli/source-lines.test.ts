import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { sourceLines } from "../../cli/source-lines.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab test 100%41-"));
  await mkdir(join(dir, "dist/bundle"), { recursive: true });
});
afterEach(() => rm(dir, { recursive: true }));

/** A place in this test's checkout, as a stack names it. */
const place = (file: string): string => pathToFileURL(join(dir, file)).href;

it("a stack names the lines of the sources", async () => {
  // The bundle's second line, column 4, is line 9, column 2 of the source (counted from 0).
  const map = { version: 3, sources: ["../../seats/up.ts"], names: [], mappings: ";IAQE" };
  await writeFile(join(dir, "dist/bundle/up-Ab_1.js.map"), JSON.stringify(map));
  const stack = `Error: x\n    at deploy (${place("dist/bundle/up-Ab_1.js")}:2:7)\n    at node:internal/x:1:2`;
  expect(sourceLines(stack)).toBe(
    `Error: x\n    at deploy (${place("seats/up.ts")}:9:3)\n    at node:internal/x:1:2`,
  );
});

it("a place without a map, or with a damaged one, stays as it is", async () => {
  await writeFile(join(dir, "dist/bundle/up.js.map"), "{");
  for (const file of ["dist/bundle/up.js", "dist/bundle/down.js", "dist/seats/up.js"]) {
    const stack = `    at ${place(file)}:2:7`;
    expect(sourceLines(stack)).toBe(stack);
  }
});
