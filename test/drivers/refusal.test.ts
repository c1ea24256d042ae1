import { expect, it } from "vitest";
import { UserError } from "../../base/errors.js";
import { VirshError } from "../../drivers/libvirt/virsh.js";
import { isRefusal } from "../../drivers/refusal.js";

const silence = (why: string, cause?: unknown): UserError =>
  new UserError("the Docker daemon at ssh://root@far does not answer", { why, cause });

it.each([
  ["ssh ended with 255: root@far: Permission denied (publickey)."],
  ["ssh ended with 255: Received disconnect: Too many authentication failures"],
  ["ssh ended with 255: Host key verification failed."],
  ["permission denied while trying to connect to the Docker daemon socket"],
  ["authentication unavailable: no polkit agent available"],
  ["self-signed certificate in certificate chain"],
  ["spawn ssh ENOENT"],
  ["there is no virsh"],
])("%j is no silence", (why) => {
  expect(isRefusal(silence(why))).toBe(true);
});

it.each([
  ["no answer within 15 s"],
  ["ssh ended with 255: ssh: connect to host far port 22: No route to host"],
  ["ssh ended with 255: ssh: connect to host far port 22: Connection refused"],
  ["connect ENOENT /var/run/docker.sock"],
  ["Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory"],
])("%j is one", (why) => {
  expect(isRefusal(silence(why))).toBe(false);
});

it("a daemon that gives an error is there", () => {
  const socket = Object.assign(new Error("connect /var/run/docker.sock"), { code: "EACCES" });
  expect(isRefusal(silence("connect", socket))).toBe(true);
  expect(isRefusal(silence("", Object.assign(new Error("server error"), { statusCode: 500 })))).toBe(true);
  expect(isRefusal(new VirshError(["version"], "error: internal error"))).toBe(true);
});
