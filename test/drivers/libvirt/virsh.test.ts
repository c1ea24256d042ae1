import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
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

it("has a way out for what it does not know", async () => {
  expect(await refused("error: something new")).toMatchObject({
    fix: expect.stringMatching(/^check the host/),
  });
});

// Texts of virsh 9.0.
it.each([
  "error: failed to get network 'm'\nerror: Network not found: no network with matching name 'm'",
  "error: failed to get pool 'm'\nerror: Storage pool not found: no storage pool with matching name 'm'",
  "error: failed to get vol 'm'\nerror: Storage volume not found: no storage vol with matching path 'm'",
  "error: Domain not found: no domain with matching uuid '5a' (m)",
])("sees what is not there: %s", async (stderr) => {
  expect(await refused(stderr)).toMatchObject({ gone: true });
});

it.each([
  "error: failed to get network 'm'\nerror: Cannot write data: Broken pipe",
  "error: Disconnected from qemu:///system due to end of file\nerror: failed to get vol 'm'\nerror: internal error: client socket is closed",
  "error: Disconnected from qemu:///system due to keepalive timeout\nerror: failed to get domain 'm'",
  "error: no valid connection",
])("takes nothing for gone when the connection breaks: %s", async (stderr) => {
  const error = await refused(stderr);
  expect(error).toMatchObject({ message: expect.stringContaining("does not answer") });
  expect(error).not.toHaveProperty("gone");
});

describe("a domain that can't be looked up", () => {
  /** What `ifThere` answers when a domain can't be looked up, and the list of all domains ends so. */
  const lookUp = async (list: string): Promise<unknown> => {
    await virshIs(
      `case "$*" in *" list --all --name") ${list} ;; *) echo "error: failed to get domain 'm'" >&2; exit 1 ;; esac`,
    );
    return new Virsh("qemu:///system").ifThere("dumpxml", "m").catch((error: unknown) => error);
  };

  it("is gone if it is not in the list", async () => {
    expect(await lookUp("echo mm; echo n")).toBeUndefined();
  });

  it("is not gone if it is in the list, or nothing can be listed", async () => {
    expect(await lookUp("echo m; echo n")).toMatchObject({ message: 'libvirt refuses "dumpxml m"' });
    await rm(bin, { recursive: true });
    const refusal = await lookUp('echo "error: access denied" >&2; exit 1');
    expect(refusal).toMatchObject({ why: "error: access denied" });
  });
});

it("logs in to another host three times at once, not more", async () => {
  await virshIs(`cd "$(dirname "$0")"; mkdir at-$$; ls -d at-* | wc -l >>log; sleep 0.1; rmdir at-$$`);
  const virsh = new Virsh("qemu+ssh://root@host/system");
  await Promise.all(Array.from({ length: 8 }, () => virsh.run("version")));
  const counts = (await readFile(join(bin, "log"), "utf8")).trim().split(/\s+/).map(Number);
  expect(Math.max(...counts)).toBe(3);
});
