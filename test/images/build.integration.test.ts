import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mountsBelow, removeTree } from "../../images/cache.js";
import {
  ensureImage,
  type ImageSpec,
  imageHash,
  listImages,
  pruneImages,
  verifyImage,
} from "../../images/index.js";
import { rootHash } from "../../images/spec.js";

const gib = 1024 ** 3;
const spec: ImageSpec = { release: "bookworm", packages: [], user: "lab", diskBytes: 3 * gib };
const child = fileURLToPath(new URL("build-child.mjs", import.meta.url));

let cache: string;
const former = process.env.XDG_CACHE_HOME;

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), "tlimg-cache-"));
  process.env.XDG_CACHE_HOME = cache;
});

afterAll(async () => {
  if (former === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = former;
  // Not node's rm: it would follow whatever a killed build left mounted.
  await removeTree(cache);
});

const images = (): string => join(cache, "trilab/images");
const build = (options: object = {}, env: Record<string, string> = {}, of = spec) =>
  execa("node", [child, JSON.stringify(of), JSON.stringify(options)], { reject: false, env, buffer: true });

/** Resolves once the child has printed a line of this kind. */
async function printed(running: ReturnType<typeof build>, pattern: RegExp): Promise<void> {
  for await (const line of running.iterable()) if (pattern.test(line)) return;
  throw new Error(`the build ended without printing ${pattern}`);
}

/** Processes that still work below the cache, by their working folder or arguments. */
async function workers(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (command.includes(cache) && !command.includes("build-child"))
      found.push(command.replaceAll("\0", " "));
  }
  return found;
}

// One story, in order: each step starts from the cache the former one left.
describe("ensureImage", () => {
  it("says what is wrong when no mirror answers", async () => {
    const sources = ["deb http://127.0.0.1:9/debian bookworm main"];
    await expect(ensureImage(spec, { sources })).rejects.toMatchObject({
      name: "UserError",
      message: expect.stringContaining("mmdebstrap could not build Debian bookworm"),
      why: expect.stringMatching(/127\.0\.0\.1[\s\S]*whole log: /),
      fix: expect.stringContaining("reachable"),
    });
    expect(await readdir(join(images(), "work"))).toEqual([]);
    expect((await stat(join(images(), `build-${rootHash(spec)}.log`))).size).toBeGreaterThan(100);
  });

  it("names a package that does not exist", async () => {
    const wrong = { ...spec, packages: ["no-such-package-here"] };
    await expect(ensureImage(wrong)).rejects.toMatchObject({
      fix: expect.stringContaining("no-such-package-here"),
    });
  });

  it("leaves nothing half built when killed, and ends its tools", async () => {
    const running = build();
    await printed(running, /installing packages/);
    running.kill("SIGKILL");
    await running;
    await expect.poll(workers).toEqual([]);
    expect(mountsBelow(cache, await readFile("/proc/self/mountinfo", "utf8"))).toEqual([]);
    expect(await readdir(images())).not.toContain(imageHash(spec));
    expect(await listImages()).toEqual([]);
  });

  it("keeps the finished root file system when the disk stage is killed", async () => {
    const running = build();
    await printed(running, /ext4 file system/);
    running.kill("SIGKILL");
    await running;
    await expect.poll(workers).toEqual([]);
    expect(await readdir(join(images(), "roots"))).toEqual([rootHash(spec)]);
    expect(await listImages()).toEqual([]);
  });

  it("builds once for two at a time, resumes after the root stage, sweeps the dead", async () => {
    expect((await readdir(join(images(), "work"))).length).toBeGreaterThan(0);
    const both = await Promise.all([build(), build()]);
    expect(both.map(({ stdout }) => stdout.split("\n").at(-1))).toEqual(
      Array(2).fill(`done ${imageHash(spec)}`),
    );
    const output = both.map(({ stdout }) => stdout).join("\n");
    expect(output.match(/converting to qcow2/g)).toHaveLength(1);
    expect(output).toMatch(/another run is building this image \(process \d+/);
    expect(output).not.toMatch(/installing packages/);
    expect(await readdir(join(images(), "work"))).toEqual([]);
  });

  it("returns what is there at once, with a manifest that holds in full", async () => {
    const said: string[] = [];
    const say = (text: string): void => void said.push(text);
    const image = await ensureImage(spec, { progress: { update: say, note: say } });
    expect(said).toEqual([]); // it had nothing to do
    await verifyImage(image, { full: true });
    const names = image.manifest.packages.map(({ name }) => name);
    expect(names).toContain("openssh-server");
    expect(names).toContain("linux-image-cloud-amd64");
    expect(image.manifest).toMatchObject({ release: "bookworm", user: "lab", diskBytes: 3 * gib });
    expect((await stat(image.initrd)).size).toBeLessThan(1024 ** 2);
  });

  it("takes a touched file for unchanged, and rebuilds a corrupt disk with a note", async () => {
    const image = await ensureImage(spec);
    await utimes(image.disk, new Date(0), new Date(0));
    await verifyImage(image);
    const file = await open(image.disk, "r+");
    await file.write(Buffer.from("damage"), 0, 6, 4 * 1024 ** 2);
    await file.close();
    await expect(verifyImage(image)).rejects.toMatchObject({
      name: "UserError",
      message: expect.stringContaining("disk.qcow2 has changed"),
      fix: expect.stringContaining("trilab images build --force"),
    });
    const notes: string[] = [];
    const again = await ensureImage(spec, {
      progress: { update: () => {}, note: (text) => notes.push(text) },
    });
    await verifyImage(again, { full: true });
    expect(notes.join("\n")).toMatch(/disk\.qcow2 has changed.*building it again/);
    expect(again.manifest.builtAt).toBe(image.manifest.builtAt);
  });

  it("shares the root file system with another disk size", async () => {
    const [one, other] = [await ensureImage(spec), await ensureImage({ ...spec, diskBytes: gib })];
    expect(other.rootTar).toBe(one.rootTar);
    expect(other.manifest.builtAt).toBe(one.manifest.builtAt);
    expect(other.disk).not.toBe(one.disk);
  });

  it("prunes all but what is kept", async () => {
    const removed = await pruneImages({ keep: [imageHash(spec)] });
    expect(removed).toEqual([imageHash({ ...spec, diskBytes: gib })]);
    expect((await listImages()).map(({ hash }) => hash)).toEqual([imageHash(spec)]);
    expect(await pruneImages()).toHaveLength(2);
    expect(await readdir(join(images(), "roots"))).toEqual([]);
  });
});

describe.runIf(process.getuid?.() === 0)("a full disk", () => {
  let mount: string;
  beforeAll(async () => {
    mount = await mkdtemp(join(tmpdir(), "tlimg-small-"));
    await mkdir(mount, { recursive: true });
    await execa("mount", ["-t", "tmpfs", "-o", "size=300m", "tlimg", mount]);
  });
  afterAll(async () => {
    await execa("umount", [mount]);
    await rm(mount, { recursive: true, force: true });
  });

  it("is found beforehand", async () => {
    const { stdout } = await build({}, { XDG_CACHE_HOME: mount });
    expect(stdout).toMatch(/failed .*"exitCode":3.*needs 2048 MiB, and .* has \d+ MiB free/);
  });

  it("is told when it comes during the build, and nothing half built stays", async () => {
    const { stdout } = await build({ spaceNeeded: 0 }, { XDG_CACHE_HOME: mount });
    expect(stdout.split("\n").at(-1)).toMatch(
      /failed .*not enough disk space.*"exitCode":3.*"fix":"free some space/,
    );
    expect(await readdir(join(mount, "trilab/images/work"))).toEqual([]);
    expect(await readdir(join(mount, "trilab/images"))).not.toContain("roots");
  });
});
