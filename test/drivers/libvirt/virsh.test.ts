import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { ExitCode, UserError } from "../../../base/errors.js";
import { Virsh } from "../../../drivers/libvirt/virsh.js";

let bin: string;
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(bin, { recursive: true });
});

/** Makes this script the virsh on PATH. */
async function virshIs(script: string): Promise<void> {
  bin = await mkdtemp(join(tmpdir(), "trilab-test-"));
  await writeFile(join(bin, "virsh"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  vi.stubEnv("PATH", `${bin}:${process.env.PATH}`);
}

/** What is thrown when virsh says this. */
async function refused(stderr: string): Promise<unknown> {
  await virshIs(`cat >&2 <<'END'\n${stderr}\nEND\nexit 1`);
  return new Virsh("qemu:///system").run("start", "m").catch((error: unknown) => error);
}

it("says what libvirt refused in its own words, and how to mend it: no bug of ours with a stack", async () => {
  const error = await refused(
    "error: Failed to start domain 'm'\nerror: internal error: Could not access KVM kernel module",
  );
  expect(error).toBeInstanceOf(UserError);
  expect(error).toMatchObject({
    message: 'libvirt refuses "start m"',
    why: expect.stringContaining("Could not access KVM kernel module"),
    fix: expect.stringMatching(/^make KVM work again/),
    exitCode: ExitCode.hostNotReady,
    gone: false,
  });
});

it("has a way out for what it does not know, and sees what is not there", async () => {
  expect(await refused("error: something new")).toMatchObject({
    fix: expect.stringMatching(/^check the host/),
  });
  await rm(bin, { recursive: true });
  expect(await refused("error: failed to get domain 'm'")).toMatchObject({ gone: true });
});

it("logs in to another host three times at once, not more", async () => {
  await virshIs(`cd "$(dirname "$0")"; mkdir at-$$; ls -d at-* | wc -l >>log; sleep 0.1; rmdir at-$$`);
  const virsh = new Virsh("qemu+ssh://root@host/system");
  await Promise.all(Array.from({ length: 8 }, () => virsh.run("version")));
  const counts = (await readFile(join(bin, "log"), "utf8")).trim().split(/\s+/).map(Number);
  expect(Math.max(...counts)).toBe(3);
});
