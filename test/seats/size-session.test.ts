import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import type { Environment } from "../../drivers/environment.js";
import { MiB } from "../../model/units.js";
import { requireFree } from "../../seats/resize-limits.js";
import { inSizeSession, parseSize, parseUsed } from "../../seats/size-session.js";

/** This machine, in the place of one of a seat. */
const here: Pick<Environment, "name" | "exec"> = {
  name: "here",
  exec: async (command, options = {}) => {
    const [file = "", ...args] = command;
    const child = execa(file, args, { reject: false, input: options.input ?? "" });
    child.stdout.setEncoding("utf8").on("data", (text: string) => options.onOutput?.(text));
    const { exitCode, stderr, stdout } = await child;
    return { exitCode: exitCode ?? 255, stdout, stderr };
  },
};

describe("a session that watches a machine's size", () => {
  it("tells the size and what is in use, runs lines, and ends with its body", async () => {
    const found = await inSizeSession(here, async (session) => {
      expect(await session.run("cd /; exit 3")).toMatchObject({ exitCode: 3 });
      expect(await session.run("echo one; echo 'two words' >&2; false")).toMatchObject({
        exitCode: 1,
        stderr: "two words",
      });
      expect(await session.seen(({ cpus }) => cpus > 0, 1000)).toBeLessThanOrEqual(performance.now());
      expect(await session.seen(() => false, 50)).toBeUndefined();
      return session;
    });
    expect(found.first.memory).toBeGreaterThan(found.used);
    expect(found.used).toBeGreaterThan(MiB);
  });

  it("takes a line that comes in pieces for one, with its spaces", async () => {
    const dir = await mkdtemp(join(tmpdir(), "trilab-test-"));
    const file = join(dir, "said");
    const long = `printf '%s' 'a  ${"b ".repeat(20_000)}' > ${file}; wc -c < ${file} >&2`;
    const { stderr } = await inSizeSession(here, (session) => session.run(long));
    expect(Number(stderr)).toBe(40_003);
    await rm(dir, { recursive: true });
  });

  it("says so when nothing answers", async () => {
    const exec = async () => ({ exitCode: 255, stdout: "", stderr: "Connection refused" });
    await expect(inSizeSession({ name: "m", exec }, async () => 1)).rejects.toMatchObject({
      message: "m does not answer",
      why: "Connection refused",
    });
  });

  it("reads a container's limits in either version of cgroups, and a guest's memory and CPUs", () => {
    expect(parseSize("size=536870912 150000 100000")).toEqual({ memory: 512 * MiB, cpus: 1.5 });
    expect(parseSize("size=max max 100000")).toEqual({ memory: Number.POSITIVE_INFINITY, cpus: Infinity });
    expect(parseSize("size=9223372036854771712 -1 100000")?.memory).toBe(Number.POSITIVE_INFINITY);
    expect(parseSize("size=481004 0-1")).toEqual({ memory: 481_004 * 1024, cpus: 2 });
    expect(parseSize("size=481004 0,2-3")?.cpus).toBe(3);
    expect(parseSize("usage=1")).toBeUndefined();
  });

  it("does not count what can be freed as in use", () => {
    const size = { memory: 100 * MiB, cpus: 1 };
    expect(parseUsed("available=40960\n", size)).toBe(60 * MiB);
    const stat = "stat=file 41943040\nstat=shmem 10485760\n";
    expect(parseUsed(`usage=${80 * MiB}\n${stat}`, size)).toBe(50 * MiB);
  });
});

it("less memory than is in use is refused, with what would do", () => {
  const from = { memory: 512 * MiB, cpus: 1 };
  const session = { first: { memory: 470 * MiB, cpus: 1 }, used: 200.5 * MiB };
  const to = (memory: number) => ({ memory: memory * MiB, cpus: 1 });
  expect(() => requireFree("guest", from, to(274), session)).toThrow(
    expect.objectContaining({
      message: "the guest uses more memory than 274MiB",
      why: "200.5MiB of its memory are in use and can't be freed, and its kernel has 42MiB for itself; 32MiB must stay free",
      fix: expect.stringContaining("at least 275MiB"),
      exitCode: 2,
    }),
  );
  requireFree("guest", from, to(275), session);
  // A container has no kernel of its own.
  requireFree("container", from, to(233), { ...session, first: from });
});
