import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { fileInTar, readTar, unpackTar, writeTar } from "../../base/tar-file.js";

const dir = await mkdtemp(join(tmpdir(), "trilab-tar-"));
afterAll(() => rm(dir, { recursive: true, force: true }));
const large = Buffer.alloc(300_000, "x");

describe("a tar", () => {
  const file = join(dir, "a.tar");

  it("has what was written to it, for its owner only", async () => {
    await writeFile(join(dir, "large"), large);
    await writeTar(file, [
      { name: "one", content: Buffer.from("1") },
      { name: "large", content: { file: join(dir, "large") } },
      { name: "empty", content: Buffer.alloc(0) },
      { name: "two more", content: large },
      { name: "last", content: { file: join(dir, "large") } },
    ]);
    expect((await stat(file)).mode & 0o077).toBe(0);
    const seen: [string, number][] = [];
    await readTar(file, async (name, _, size) => void seen.push([name, size]));
    expect(seen).toEqual([
      ["one", 1],
      ["large", 300_000],
      ["empty", 0],
      ["two more", 300_000],
      ["last", 300_000],
    ]);
    expect(String(await fileInTar(file, "one"))).toBe("1");
    expect(await fileInTar(file, "two")).toBeUndefined();
  });

  it("gives only the files asked for", async () => {
    const into = await mkdtemp(join(dir, "into-"));
    expect(await unpackTar(file, into, ["large", "two"])).toEqual(["large"]);
    expect(await readdir(into)).toEqual(["large"]);
    expect((await readFile(join(into, "large"))).equals(large)).toBe(true);
  });

  it("with too large a file where a small one is wanted is refused", async () => {
    await expect(fileInTar(file, "large", 1000)).rejects.toThrow(/larger than 1000 bytes/);
  });

  it("that is damaged or cut short is an error", async () => {
    const cut = join(dir, "cut.tar");
    await writeFile(cut, (await readFile(file)).subarray(0, 100_000));
    await expect(unpackTar(cut, dir, ["large"])).rejects.toThrow();
    await writeFile(cut, "no tar at all".repeat(100));
    await expect(fileInTar(cut, "one")).rejects.toThrow();
  });

  it("that is not complete when the process ends is removed", async () => {
    const before = process.listeners("exit");
    // Nobody writes to it yet.
    const fifo = join(dir, "fifo");
    execFileSync("mkfifo", [fifo]);
    const writing = writeTar(join(dir, "c.tar"), [{ name: "n", content: { file: fifo } }]).catch(() => {});
    await vi.waitFor(() => expect(existsSync(join(dir, "c.tar.part"))).toBe(true));
    for (const exit of process.listeners("exit").filter((each) => !before.includes(each))) exit(0);
    expect(existsSync(join(dir, "c.tar.part"))).toBe(false);
    await writeFile(fifo, "");
    await writing;
    expect(process.listeners("exit")).toEqual(before);
  });

  it("that can't be written leaves nothing behind", async () => {
    await expect(
      writeTar(join(dir, "b.tar"), [{ name: "n", content: { file: join(dir, "none") } }]),
    ).rejects.toThrow(/ENOENT/);
    expect((await readdir(dir)).filter((name) => name.startsWith("b.tar"))).toEqual([]);
  });
});
