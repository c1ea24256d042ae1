import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ExitCode } from "../../base/errors.js";
import {
  createWhole,
  folderNames,
  kindOfPath,
  namesIn,
  readOwnFile,
  readUserFile,
} from "../../base/files.js";

let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-files-"));
  execFileSync("mkfifo", [join(dir, "fifo")]);
  await writeFile(join(dir, "text"), "words");
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe("a file that a user names", () => {
  it("is told from what only looks like one", async () => {
    expect(await kindOfPath(join(dir, "text"))).toBe("file");
    expect(await kindOfPath(join(dir, "fifo"))).toBe("FIFO");
    expect(await kindOfPath(dir)).toBe("folder");
    expect(await kindOfPath("/dev/null")).toBe("device");
    expect(await kindOfPath(join(dir, "none"))).toBeUndefined();
    expect(await kindOfPath(join(dir, "text", "below"))).toBeUndefined();
  });

  it("is read only where it is a regular file", async () => {
    expect(await readUserFile(join(dir, "text"), "the file")).toBe("words");
    expect(await readUserFile(join(dir, "none"), "the file")).toBeUndefined();
    for (const [path, kind] of [
      [join(dir, "fifo"), "FIFO"],
      [dir, "folder"],
      ["/dev/null", "device"],
    ] as const) {
      await expect(readUserFile(path, "the file")).rejects.toMatchObject({
        exitCode: ExitCode.usage,
        why: `it is a ${kind}`,
      });
    }
  });
});

describe("trilab's own files", () => {
  it("are none where there are none", async () => {
    for (const path of [join(dir, "none"), join(dir, "text", "below")]) {
      expect(await folderNames(path)).toEqual([]);
      expect(await namesIn(path)).toEqual([]);
      expect(await readOwnFile(path)).toBeUndefined();
    }
    await mkdir(join(dir, "own", "folder"), { recursive: true });
    await writeFile(join(dir, "own", "file"), "words");
    expect(await folderNames(join(dir, "own"))).toEqual(["folder"]);
    expect((await namesIn(join(dir, "own"))).sort()).toEqual(["file", "folder"]);
    expect(await readOwnFile(join(dir, "own", "file"))).toBe("words");
  });

  it("are an error where they can't be read, which says how to fix that", async () => {
    // A link to itself: unlike permissions, it stops root, too.
    const loop = join(dir, "loop");
    await symlink(loop, loop);
    for (const read of [folderNames, namesIn, readOwnFile])
      await expect(read(loop)).rejects.toMatchObject({
        message: `${loop} can't be read`,
        why: expect.stringContaining("ELOOP"),
        fix: expect.stringContaining("sudo chown"),
      });
  });
});

it("a file that is made once is whole for everybody who finds it", async () => {
  const folder = join(dir, "made");
  await mkdir(folder);
  const file = join(folder, "once");
  const found = Promise.all(
    ["one", "two", "three"].map(async (text) => {
      await createWhole(file, text.repeat(10_000));
      return readFile(file, "utf8");
    }),
  );
  expect(new Set(await found).size).toBe(1);
  await createWhole(file, "later");
  // Nothing can be written there, and nothing has to be.
  await createWhole("/proc/version", "later");
  expect((await found)[0]).toBe(await readFile(file, "utf8"));
  expect(await readdir(folder)).toEqual(["once"]);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});
