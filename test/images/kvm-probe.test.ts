import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { cachedVerdict, type ProbeVerdict, probeKvm } from "../../images/kvm-probe.js";

const timedOut: ProbeVerdict = { works: false, timedOut: true, why: "not within 10 s", seconds: 10 };

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-kvm-"));
  vi.stubEnv("XDG_CACHE_HOME", dir);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

/** Two verdicts in a row, of a host where KVM gives `kvm` and the emulated kernel boots in time or not; and each try. */
async function twice(
  kvm: ProbeVerdict,
  boots: boolean,
): Promise<{ verdicts: ProbeVerdict[]; tried: string[] }> {
  const tried: string[] = [];
  const probe = async (accel: string): Promise<ProbeVerdict> => {
    tried.push(accel);
    if (accel === "kvm") return kvm;
    return boots ? { works: true, why: "booted", seconds: 2 } : timedOut;
  };
  const verdicts = [await cachedVerdict("host", "key", probe), await cachedVerdict("host", "key", probe)];
  return { verdicts, tried };
}

it("holds it against KVM when the same kernel boots emulated in that time, and keeps that", async () => {
  expect(await twice(timedOut, true)).toEqual({ verdicts: [timedOut, timedOut], tried: ["kvm", "tcg"] });
});

it("says nothing of KVM where the host is too busy to boot any kernel in time, and asks again the next time", async () => {
  const { tried, verdicts } = await twice(timedOut, false);
  for (const verdict of verdicts)
    expect(verdict).toMatchObject({
      works: false,
      inconclusive: true,
      why: expect.stringContaining("too busy"),
    });
  expect(tried).toEqual(["kvm", "tcg", "kvm", "tcg"]);
  expect(await readdir(dir)).toEqual([]);
});

it("asks no further where KVM works, or QEMU says why it does not", async () => {
  const works = { works: true, why: "booted", seconds: 1 };
  expect(await twice(works, false)).toEqual({ verdicts: [works, works], tried: ["kvm"] });
  const refused = { works: false, why: "QEMU ended", seconds: 0 };
  vi.stubEnv("XDG_CACHE_HOME", join(dir, "other"));
  expect(await twice(refused, false)).toEqual({ verdicts: [refused, refused], tried: ["kvm"] });
});

it.each([
  ["hangs", "exec sleep 60", true],
  ["ends", "echo no >&2; exit 1", undefined],
])("of a QEMU that %s it is known whether its time was up", async (_, script, up) => {
  await writeFile(join(dir, "qemu-system-x86_64"), `#!/bin/sh\n${script}\n`);
  await chmod(join(dir, "qemu-system-x86_64"), 0o755);
  vi.stubEnv("PATH", `${dir}:${process.env.PATH}`);
  const verdict = await probeKvm({ kernel: "/k", initrd: "/i", accel: "tcg", timeoutMs: 300 });
  expect(verdict).toMatchObject({ works: false });
  expect(verdict.timedOut).toBe(up);
});
