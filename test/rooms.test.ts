import { execFileSync } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { repoDir } from "../base/paths.js";

/** The rooms, in the direction in which data flows: each imports only from itself and those before it. */
const ROOMS = [
  "base",
  "shared",
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
  "tasks",
  "classes",
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

it("the command line begins without the libraries that only some commands need", async () => {
  const libraries = new Set<string>();
  const seen = new Set<string>();
  const visit = async (file: string): Promise<void> => {
    if (seen.has(file)) return;
    seen.add(file);
    if (file.endsWith(".ts")) for (const path of await loads(file)) await visit(path);
    else if (!file.startsWith("node:")) libraries.add(file);
  };
  for (const file of ["cli/start.ts", "cli/main.ts"]) await visit(file);
  expect([...libraries].sort()).toEqual(["fastest-levenshtein", "string-width", "yargs"]);
});

/** Every file of the product, and the files that it imports, types as well, at load time. */
async function imports(): Promise<Map<string, string[]>> {
  const files = (
    await Promise.all(
      ROOMS.map(async (room) =>
        (await readdir(join(repoDir, room), { recursive: true })).map((file) => join(room, file)),
      ),
    )
  )
    .flat()
    .filter((file) => file.endsWith(".ts"));
  const found = new Map<string, string[]>();
  for (const file of files) {
    const text = await readFile(join(repoDir, file), "utf8");
    const froms = text.matchAll(/^(?:import|export)\s[^;]*?from "(\.[^"]+)";/gm);
    found.set(
      file,
      [...froms].map(([, path = ""]) => join(file, "..", path).replace(/\.js$/, ".ts")),
    );
  }
  return found;
}

it("no file imports itself by way of others", async () => {
  const of = await imports();
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file);
    if (at >= 0) circles.push([...path.slice(at), file].join(" → "));
    if (at >= 0 || done.has(file)) return;
    for (const next of of.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of of.keys()) visit(file, []);
  expect(circles).toEqual([]);
});

it.each([
  ["dockerode", /from "dockerode"/, ["drivers/docker/", "plugins/docker/"]],
  ["virsh", /\bvirsh(IfThere)?\(|execa\("virsh"/, ["drivers/libvirt/"]],
  [
    "the environment's endpoints",
    /env\.(TRILAB_DOCKER_HOST|TRILAB_LIBVIRT_URI|LIBVIRT_DEFAULT_URI|DOCKER_HOST)\b/,
    // The CLI and plain `pulumi up` are the edges; a plugin reads what every tool of Docker's does.
    ["cli/endpoints.ts", "seats/plain-pulumi.ts", "plugins/docker/provider.ts"],
  ],
])("only those who should know %s", async (_, pattern, where) => {
  const wrong: string[] = [];
  for (const file of (await imports()).keys())
    if (
      !where.some((place) => file.startsWith(place)) &&
      pattern.test(await readFile(join(repoDir, file), "utf8"))
    )
      wrong.push(file);
  expect(wrong).toEqual([]);
});

it("README's table names every folder", async () => {
  const readme = await readFile(join(repoDir, "README.md"), "utf8");
  const tracked = execFileSync("git", ["ls-tree", "-d", "--name-only", "HEAD"], {
    cwd: repoDir,
    encoding: "utf8",
  });
  const folders = tracked.split("\n").filter((name) => name !== "" && !name.startsWith("."));
  expect(folders.length).toBeGreaterThan(10);
  expect(folders.filter((name) => !readme.includes(`[${name}/](${name})`))).toEqual([]);
});
