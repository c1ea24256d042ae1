import { cp, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test, vi } from "vitest";
import { silent } from "../../base/progress.js";
import { buildTool } from "../../engine/build.js";
import { goModuleDir } from "../../engine/layout.js";
import { verified } from "../../engine/provenance.js";
import { goTools } from "../../engine/versions.js";
import { freshMachine, tempDir } from "./helpers.js";

// Go's own caches are used again where they are filled: a build is linking then.
const { stdout: goEnv } = await execa("go", ["env", "-json"], { reject: false });
const go = goEnv ? (JSON.parse(goEnv) as { GOROOT: string; GOCACHE: string; GOMODCACHE: string }) : undefined;

async function machineWithGo(): Promise<string> {
  const { home } = await freshMachine();
  vi.stubEnv("TRILAB_GO", join(go?.GOROOT ?? "", "bin/go"));
  vi.stubEnv("GOCACHE", go?.GOCACHE);
  vi.stubEnv("GOMODCACHE", go?.GOMODCACHE);
  return join(home, "tool");
}

test.skipIf(!go)("a tool is built once, whole, and recorded", async () => {
  const file = await machineWithGo();
  const texts: string[] = [];
  const progress = { update: (text: string) => texts.push(text), note: () => {} };
  const both = await Promise.all([
    buildTool(goTools.libvirt, file, progress),
    buildTool(goTools.libvirt, file, progress), // whichever comes first builds
  ]);
  expect(both.sort()).toEqual([false, true]);
  expect(await verified(file)).toMatchObject({ way: "built", version: goTools.libvirt.version });
  expect(texts.join("\n")).toMatch(/building the libvirt provider: \d+ %, \d\d:\d\d/);
  await writeFile(file, "damaged");
  expect(await buildTool(goTools.libvirt, file, silent)).toBe(true);
});

test.skipIf(!go)("no module proxy: exit 3, and nothing half made", async () => {
  const file = await machineWithGo();
  vi.stubEnv("GOMODCACHE", await tempDir());
  vi.stubEnv("GOPROXY", "http://127.0.0.1:9");
  await expect(buildTool(goTools.libvirt, file, silent)).rejects.toMatchObject({
    name: "UserError",
    exitCode: 3,
    message: expect.stringContaining("module proxy does not answer"),
    fix: expect.stringContaining("GOPROXY"),
  });
  await expect(stat(file)).rejects.toThrow("ENOENT");
});

test.skipIf(!go)("a module other than the recorded one: exit 3", async () => {
  const file = await machineWithGo();
  const dir = await tempDir();
  await cp(goModuleDir("libvirt"), dir, { recursive: true });
  const sums = await readFile(join(dir, "go.sum"), "utf8");
  const wrong = sums.replace(/(terraform-provider-libvirt v0\.8\.3 h1:)\S+/, `$1${"A".repeat(43)}=`);
  expect(wrong).not.toBe(sums);
  await writeFile(join(dir, "go.sum"), wrong);
  await expect(buildTool(goTools.libvirt, file, silent, dir)).rejects.toMatchObject({
    exitCode: 3,
    message: expect.stringContaining("checksum"),
  });
});
