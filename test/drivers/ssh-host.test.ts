import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SshHost } from "../../drivers/ssh-host.js";

describe("a host's address", () => {
  it.each([
    ["ssh://lab1", "qemu+ssh://lab1/system"],
    ["ssh://root@10.0.0.5:2222/", "qemu+ssh://root@10.0.0.5:2222/system"],
  ])("%s also names its libvirt: %s", (address, libvirt) => {
    expect(new SshHost(address).endpoints).toEqual({ docker: address.replace(/\/$/, ""), libvirt });
  });

  it.each([
    "lab1",
    "ssh://",
    "http://lab1",
    "ssh://root:secret@lab1",
    "ssh://lab1/path",
    "ssh://lab1?keyfile=x",
    "ssh://-oProxyCommand=x",
    "ssh://-oProxyCommand=x@lab1",
  ])("%s is none: exit 2", (address) => {
    expect(() => new SshHost(address)).toThrow(expect.objectContaining({ name: "UserError", exitCode: 2 }));
  });
});

describe("on the host", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "trilab-ssh-host-"));
    await mkdir(join(folder, "tmp"));
    // Runs here what should run there.
    const ssh = 'for line; do :; done; exec sh -c "$line"';
    await writeFile(join(folder, "ssh"), `#!/bin/sh\n${ssh}\n`, { mode: 0o755 });
    vi.stubEnv("PATH", `${folder}${delimiter}${process.env.PATH}`);
    vi.stubEnv("TMPDIR", join(folder, "tmp"));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });
  const host = new SshHost("ssh://lab1");

  it("a script gets English messages from programs, whatever the login's language is", async () => {
    vi.stubEnv("LC_ALL", "de_DE.UTF-8");
    expect((await host.run("echo $LC_ALL")).stdout).toBe("C");
  });

  it.each([
    ["ssh://lab1", "lab1"],
    ["ssh://root@[2001:db8::5]:2222", "-p 2222 root@2001:db8::5"],
    ["ssh://[::1]", "::1"],
  ])("%s is reached by ssh %s", async (address, login) => {
    await writeFile(join(folder, "ssh"), '#!/bin/sh\necho "$*"\n', { mode: 0o755 });
    expect((await new SshHost(address).run("true")).stdout).toContain(`ConnectTimeout=10 ${login} exec `);
  });

  it("an archive is unpacked into a folder of its own", async () => {
    await writeFile(join(folder, "a"), "words");
    const there = await host.unpack(execFileSync("tar", ["-c", "-C", folder, "a"]));
    expect(await readFile(join(there, "a"), "utf8")).toBe("words");
  });

  it("an archive that can't be unpacked is an error, and leaves nothing there", async () => {
    await expect(host.unpack(Buffer.from("no archive"))).rejects.toMatchObject({
      message: "files can't be copied to ssh://lab1",
      why: expect.stringContaining("tar"),
      exitCode: 3,
    });
    expect(await readdir(join(folder, "tmp"))).toEqual([]);
    vi.stubEnv("TMPDIR", join(folder, "none"));
    await expect(host.unpack(new Uint8Array())).rejects.toMatchObject({ exitCode: 3 });
  });
});
