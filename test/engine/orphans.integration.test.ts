import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { workDir } from "../../engine/backend.js";
import { clearStaleLock } from "../../engine/index.js";

/** Programs that are called pulumi and work in the stack's directory, as an engine left behind by its CLI does. */
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-orphans-"));
  vi.stubEnv("XDG_STATE_HOME", dir);
  await mkdir(workDir("orphaned"), { recursive: true });
  await mkdir(join(dir, "idle"));
  await mkdir(join(dir, "busy"));
  await copyFile("/bin/sleep", join(dir, "idle/pulumi"));
  for (const plugin of ["pulumi-resource-bridge", "terraform-provider-x"])
    await copyFile("/bin/sleep", join(dir, "idle", plugin));
  await copyFile("/bin/bash", join(dir, "busy/pulumi"));
});
afterAll(() => rm(dir, { recursive: true }));

const start = (program: string, ...args: string[]) =>
  spawn(join(dir, program), args, { cwd: workDir("orphaned"), stdio: "ignore" });

test("an engine that waits for a CLI that is gone is ended", async () => {
  const idle = start("idle/pulumi", "60");
  const ended = once(idle, "exit");
  await clearStaleLock({ stack: "orphaned" });
  expect((await ended)[1]).toBe("SIGKILL");
});

test("it is found also through a symbolic link to the state directory", async () => {
  const idle = start("idle/pulumi", "60");
  const ended = once(idle, "exit");
  await symlink(dir, `${dir}-link`);
  vi.stubEnv("XDG_STATE_HOME", `${dir}-link`);
  try {
    await clearStaleLock({ stack: "orphaned" });
    expect((await ended)[1]).toBe("SIGKILL");
  } finally {
    vi.stubEnv("XDG_STATE_HOME", dir);
    await rm(`${dir}-link`);
    idle.kill("SIGKILL");
  }
});

test("one that is at a step is left to finish it", async () => {
  const busy = start("busy/pulumi", "-c", "sleep 5; true");
  const ended = once(busy, "exit");
  await clearStaleLock({ stack: "orphaned" });
  expect(await ended).toEqual([0, null]);
});

test("plugins whose engine is gone are ended, the bridge's provider too", async () => {
  const plugins = ["idle/pulumi-resource-bridge", "idle/terraform-provider-x"].map((name) =>
    start(name, "60"),
  );
  const ended = Promise.all(plugins.map((plugin) => once(plugin, "exit")));
  await clearStaleLock({ stack: "orphaned" });
  expect((await ended).map(([, signal]) => signal)).toEqual(["SIGKILL", "SIGKILL"]);
});

test("one of another stack is nobody's business", async () => {
  await mkdir(workDir("other"), { recursive: true });
  const other = spawn(join(dir, "idle/pulumi"), ["60"], { cwd: workDir("other"), stdio: "ignore" });
  await clearStaleLock({ stack: "orphaned" });
  expect(other.exitCode ?? other.signalCode).toBeNull();
  const ended = once(other, "exit");
  other.kill();
  await ended;
});
