import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { copy, type Inside } from "../../drivers/copy.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-copy-"));
});
afterEach(() => rm(dir, { recursive: true }));

it("what is copied out leaves nothing beside its destination when the process ends", async () => {
  await writeFile(join(dir, "from"), "words");
  const inside: Inside = ([file = "", ...args]) => (file === "cat" ? ["sleep", ["1"]] : [file, args]);
  const before = process.listeners("exit");
  const copying = copy(inside, "out", join(dir, "to"), join(dir, "from")).catch(() => {});
  const partial = async (): Promise<string[]> =>
    (await readdir(dir)).filter((name) => name.startsWith(".trilab-cp-"));
  await vi.waitFor(async () => expect(await partial()).toHaveLength(1));
  for (const exit of process.listeners("exit").filter((each) => !before.includes(each))) exit(0);
  expect(await partial()).toEqual([]);
  await copying;
});
