import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { repoDir } from "../base/paths.js";

/** The rooms, in the direction in which data flows: each imports only from itself and those before it. */
const ROOMS = [
  "base",
  "model",
  "components",
  "drivers",
  "images",
  "labs",
  "plugins",
  "engine",
  "hosts",
  "stacks",
  "seats",
  "probes",
  "report",
  "cli",
];

it("a room imports only rooms to its left", async () => {
  const wrong: string[] = [];
  for (const [i, room] of ROOMS.entries()) {
    const files = await readdir(join(repoDir, room), { recursive: true });
    for (const file of files.filter((f) => f.endsWith(".ts"))) {
      const text = await readFile(join(repoDir, room, file), "utf8");
      for (const [, path = ""] of text.matchAll(/(?:from|import\() ?"((?:\.\.\/)+[^"]+)"/g)) {
        const imported = join(room, file, "..", path).split("/")[0] ?? "";
        if (!ROOMS.slice(0, i + 1).includes(imported)) wrong.push(`${room}/${file} imports ${imported}`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

it("only engine/ imports Pulumi's Automation API", async () => {
  for (const room of ROOMS.filter((r) => r !== "engine")) {
    for (const file of (await readdir(join(repoDir, room), { recursive: true })).filter((f) =>
      f.endsWith(".ts"),
    )) {
      expect(await readFile(join(repoDir, room, file), "utf8"), `${room}/${file}`).not.toContain(
        "@pulumi/pulumi/automation",
      );
    }
  }
});

/** What a module loads with itself: not the types it names, nor what it imports when it needs it. */
async function loads(file: string): Promise<string[]> {
  const text = await readFile(join(repoDir, file), "utf8");
  const froms = text.matchAll(/^(?:import|export)(?! type) [^;]*?from "([^"]+)";/gm);
  return [...froms].map(([, path = ""]) =>
    path.startsWith(".") ? join(file, "..", path).replace(/\.js$/, ".ts") : path,
  );
}

it("AWS's SDK is loaded by nothing that a local seat needs", async () => {
  const reaches = async (file: string, seen = new Set<string>()): Promise<boolean> => {
    if (file.startsWith("@aws-sdk/")) return true;
    if (seen.has(file) || !file.endsWith(".ts")) return false;
    seen.add(file);
    for (const path of await loads(file)) if (await reaches(path, seen)) return true;
    return false;
  };
  const loading: string[] = [];
  for (const room of ROOMS.filter((r) => r !== "plugins")) {
    const files = await readdir(join(repoDir, room), { recursive: true });
    for (const file of files.filter((f) => f.endsWith(".ts")))
      if (await reaches(join(room, file))) loading.push(join(room, file));
  }
  // They are imported where something is rented, by import(): the driver itself loads without them.
  expect(loading.filter((file) => !file.startsWith("drivers/ec2/"))).toEqual([]);
  expect(loading).toContain("drivers/ec2/inventory.ts");
  expect(loading).not.toContain("drivers/ec2/driver.ts");
});
