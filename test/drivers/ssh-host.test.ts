import { describe, expect, it } from "vitest";
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
