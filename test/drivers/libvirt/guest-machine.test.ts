import { existsSync, mkdtempSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LibvirtDriver } from "../../../drivers/libvirt/driver.js";
import { optionPath } from "../../../drivers/libvirt/ssh-options.js";
import { LOCAL } from "../../../model/endpoint.js";

/** What libvirt says of the domain, one answer a question; the last one stays. */
let states: (string | undefined)[] = [];
/** How much later it is after each question, where the clock is not real. */
let minutesAsking = 0;
let refused: readonly string[] = [];
const asked: string[] = [];

/** A libvirt that answers from the lists above. */
class FakeLibvirt extends LibvirtDriver {
  override async domainState(): Promise<string | undefined> {
    if (minutesAsking > 0) vi.setSystemTime(Date.now() + minutesAsking * 60_000);
    return states.length > 1 ? states.shift() : states[0];
  }
  override async virsh(...args: string[]): Promise<string> {
    asked.push(args.join(" "));
    if (refused.includes(args[0] ?? "")) throw new Error("domain is not running");
    return "";
  }
}
const libvirt = new FakeLibvirt(LOCAL.libvirt);

const access = {
  target: "guest" as const,
  name: "fake",
  address: "10.0.0.2",
  user: "lab",
  identityFile: "",
  knownHostsFile: "",
  consoleLog: "",
};
const guest = libvirt.machine(access);

beforeEach(() => {
  asked.length = 0;
  refused = [];
  minutesAsking = 0;
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

it("has stopped once QEMU is gone, not while it is in shutdown", async () => {
  states = ["running", "running", "in shutdown", "in shutdown", "shut off"];
  await guest.stop();
  expect(states).toEqual(["shut off"]);
  expect(asked).toEqual(["shutdown fake"]);
});

it("waits for one that is in shutdown already, and takes one that vanished for stopped", async () => {
  states = ["in shutdown", "in shutdown", undefined];
  await guest.stop();
  expect(asked).toEqual([]);
  states = ["shut off"];
  await guest.stop();
  expect(asked).toEqual([]);
});

it("is destroyed when it does not heed; a destroy that comes too late is no failure", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  minutesAsking = 0.5;
  states = ["running", "running", "running", "shut off"];
  refused = ["destroy"];
  await guest.stop();
  expect(asked).toEqual(["shutdown fake", "shutdown fake", "destroy fake"]);
});

it("is asked again for as long as it may take, and how it ended is told", async () => {
  const domain = { kind: "domain", name: "fake", id: "fake", state: "running", owner: undefined } as const;
  vi.useFakeTimers({ toFake: ["Date"] });
  minutesAsking = 0.05;
  states = ["running", "running", "running", "running", "shut off"];
  expect(await libvirt.stop(domain, { graceMs: 60_000 })).toBe("clean");
  // A system that was still starting does not notice the first time.
  expect(asked).toEqual(["shutdown fake", "shutdown fake"]);
  asked.length = 0;
  states = ["running", "shut off"];
  expect(await libvirt.stop(domain, { force: true })).toBe("forced");
  expect(asked).toEqual(["destroy fake"]);
  asked.length = 0;
  states = ["paused", "running", "shut off"];
  expect(await libvirt.stop(domain, {})).toBe("clean");
  expect(asked).toEqual(["resume fake", "shutdown fake"]);
  expect(await libvirt.stop(domain, {})).toBe("off");
  states = ["running"];
  const over = new AbortController();
  over.abort(new Error("enough"));
  await expect(libvirt.stop(domain, { signal: over.signal })).rejects.toThrow("enough");
});

it("says so when nothing stops it", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  minutesAsking = 0.5;
  states = ["in shutdown"];
  await expect(guest.stop()).rejects.toThrow("fake does not stop");
  expect(asked).toEqual(["destroy fake"]);
});

it("is started once it has ended, and not at all while it runs", async () => {
  states = ["in shutdown", "in shutdown", "shut off"];
  await guest.start();
  expect(states).toEqual(["shut off"]);
  expect(asked).toEqual(["start fake"]);
  states = ["running"];
  await guest.start();
  expect(asked).toEqual(["start fake"]);
});

/** An ssh on the PATH that does this; its folder. */
async function standInSsh(script: string): Promise<string> {
  const bin = mkdtempSync(join(tmpdir(), "trilab-test-"));
  await writeFile(join(bin, "ssh"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  vi.stubEnv("PATH", `${bin}:${process.env.PATH}`);
  return bin;
}

it("one that refuses the key while it boots is asked again; one that goes on refusing is told of", async () => {
  states = ["running"];
  const bin = await standInSsh(
    `echo >>"\${0%/*}/asked"; [ $(wc -l <"\${0%/*}/asked") -gt 2 ] && exit 0; echo "root@10.0.0.2: Permission denied (publickey)." >&2; exit 255`,
  );
  const guest = libvirt.environment(access);
  const { result } = await guest.firstAnswer(["true"], {}, 60_000);
  expect(result.exitCode).toBe(0);
  await rm(join(bin, "asked"));
  await expect(guest.firstAnswer(["true"], {}, 0)).rejects.toMatchObject({
    message: "the guest fake answers SSH, but its keys are not the seat's",
    why: expect.stringContaining("Permission denied"),
    fix: expect.stringMatching(/^undo the changes/),
  });
  await rm(bin, { recursive: true });
});

it("waiting for a first answer ends with its signal, the ssh in hand with it", async () => {
  const bin = await standInSsh("exec sleep 3600");
  states = ["running"];
  const over = new AbortController();
  setTimeout(() => over.abort(new Error("time is over")), 300);
  const waiting = libvirt.environment(access).firstAnswer(["true"], { signal: over.signal }, 60_000);
  await expect(waiting).rejects.toThrow("time is over");
  await rm(bin, { recursive: true });
});

it("a domain that does not run is not waited for, nor contacted: its address may be another machine's", async () => {
  const bin = await standInSsh(`touch "\${0%/*}/contacted"; exec sleep 3600`);
  for (const state of ["shut off", undefined]) {
    states = [state];
    await expect(libvirt.environment(access).firstAnswer(["true"], {}, 60_000)).rejects.toMatchObject({
      why: expect.stringContaining(`the domain is ${state ?? "gone"}`),
    });
  }
  expect(existsSync(join(bin, "contacted"))).toBe(false);
  await rm(bin, { recursive: true });
});

it("a command that is ended is not waited for by what it handed its output to", async () => {
  const bin = await standInSsh("sleep 60 & exec sleep 60");
  const result = await libvirt.environment(access).exec(["true"], { timeoutMs: 200 });
  expect(result).toMatchObject({ exitCode: 255, stderr: expect.stringContaining("timed out") });
  await rm(bin, { recursive: true });
});

it("nor is one that ends by itself, by what holds only its standard error", async () => {
  const bin = await standInSsh("sleep 60 >/dev/null & echo out; echo err >&2; exit 3");
  const result = await libvirt.environment(access).exec(["true"]);
  expect(result).toEqual({ exitCode: 3, stdout: "out", stderr: "err" });
  await rm(bin, { recursive: true });
});

it("paths with spaces, quotes and percent signs reach ssh as one", async () => {
  const path = '/tmp/a b/100%41/"c"\\d';
  const { stdout } = await execa("ssh", [
    ...["-G", "-F", "none", "-o", `UserKnownHostsFile=${optionPath(path)}`],
    ...["-o", `IdentityFile=${optionPath(path)}`, "host"],
  ]);
  const lines = stdout.split("\n");
  expect(lines).toContain(`userknownhostsfile ${path}`);
  // ssh replaces what stands behind a % only when it looks for the key.
  expect(lines).toContain(`identityfile ${path.replace("%", "%%")}`);
});

it("whose CPUs can't all be pinned keeps none pinned", async () => {
  const list = vi.spyOn(libvirt, "virsh").mockImplementation(async (...args) => {
    asked.push(args.join(" "));
    if (args[2] === "1" && args[3] === "2,3") throw new Error("no permission");
    return args[2] === "--live" ? " 0      0-7\n 1      0-3\n" : "";
  });
  expect(await guest.pin([2, 3])).toBeUndefined();
  expect(asked.slice(-2)).toEqual(["vcpupin fake 0 0-7 --live", "vcpupin fake 1 0-3 --live"]);
  list.mockRestore();
});
