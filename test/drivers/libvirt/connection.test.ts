import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Connection } from "../../../drivers/libvirt/connection.js";

let bin: string;
beforeEach(async () => {
  bin = await mkdtemp(join(tmpdir(), "trilab-test-"));
  vi.stubEnv("PATH", `${bin}:${process.env.PATH}`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(bin, { recursive: true });
});

/** Makes virsh a program that says "is not active" until it has run `pool-start`, for which it runs this script. */
async function inactivePool(start: string): Promise<void> {
  await writeFile(
    join(bin, "virsh"),
    `#!/bin/sh
cd "$(dirname "$0")"; shift 3; echo "$*" >>calls
case $1 in
  pool-start) ${start} ;;
  *) [ -e active ] || { echo "error: pool 'trilab' is not active" >&2; exit 1; }
     [ "$1" != vol-list ] || echo " disk.qcow2   /pool/disk.qcow2" ;;
esac
`,
    { mode: 0o755 },
  );
}
const calls = async (): Promise<string[]> => (await readFile(join(bin, "calls"), "utf8")).trim().split("\n");
const libvirt = new Connection({ kind: "libvirt", uri: "qemu:///system" });

describe("a storage pool that is inactive", () => {
  it("is started before its volumes are listed: nobody may take it for empty", async () => {
    await inactivePool("touch active");
    expect(await libvirt.volumeNames("trilab")).toEqual(["disk.qcow2"]);
  });

  it("is started before a volume is removed", async () => {
    await inactivePool("touch active");
    await libvirt.removeVolume("disk.qcow2");
    expect((await calls()).at(-1)).toBe("vol-delete disk.qcow2 --pool trilab");
    expect((await calls()).filter((call) => call.startsWith("vol-delete"))).toHaveLength(2);
  });

  it("may be started by another command meanwhile", async () => {
    await inactivePool(`touch active; echo "error: pool 'trilab' is already active" >&2; exit 1`);
    expect(await libvirt.volumeNames("trilab")).toEqual(["disk.qcow2"]);
  });

  it("can't be listed when it does not start", async () => {
    await inactivePool(`echo "error: cannot open directory '/pool': No such file or directory" >&2; exit 1`);
    await expect(libvirt.volumeNames("trilab")).rejects.toMatchObject({
      message: expect.stringContaining("pool-start trilab"),
      why: expect.stringContaining("No such file"),
    });
  });
});
