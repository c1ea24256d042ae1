import { copyFile, mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { repoDir } from "../../base/paths.js";

let dist: string;
beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), "trilab-test-"));
  dist = join(dir, "dist");
  await mkdir(join(dist, "cli"), { recursive: true });
  await mkdir(join(dist, "bundle"));
  await writeFile(join(dir, "package.json"), '{ "type": "module" }');
  await copyFile(join(repoDir, "dist/cli/bin.js"), join(dist, "cli/bin.js"));
  await writeFile(join(dist, "cli/start.js"), 'console.log("modules");');
  await writeFile(join(dist, "bundle/start.js"), 'console.log("bundle");');
  await writeFile(join(dist, ".tsbuildinfo"), "{}");
});
afterAll(() => rm(join(dist, ".."), { recursive: true }));

const started = async (): Promise<string> =>
  (await execa(process.execPath, [join(dist, "cli/bin.js")])).stdout;

it("the bundle is started as long as nothing is compiled anew", async () => {
  expect(await started()).toBe("modules");
  const { mtimeMs } = await stat(join(dist, ".tsbuildinfo"));
  await writeFile(join(dist, "bundle/of"), String(mtimeMs));
  expect(await started()).toBe("bundle");
  await utimes(join(dist, ".tsbuildinfo"), 1e9, 1e9);
  expect(await started()).toBe("modules");
});

it("what is compiled has a bundle", async () => {
  const { mtimeMs } = await stat(join(repoDir, "dist/.tsbuildinfo"));
  expect(await readFile(join(repoDir, "dist/bundle/of"), "utf8")).toBe(String(mtimeMs));
});
