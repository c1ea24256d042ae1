import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ComponentResource, Config, CustomResource, output, secret } from "@pulumi/pulumi";
import { execa } from "execa";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { UserError } from "../../base/errors.js";
import { silent } from "../../base/progress.js";
import { openStack, type Program, type StackOptions } from "../../engine/automation.js";
import { stackFiles, workDir } from "../../engine/backend.js";
import { clearPending, readCheckpoint } from "../../engine/checkpoint.js";
import { type Engine, ensureEngine } from "../../engine/install.js";
import { clearStaleLock } from "../../engine/recovery.js";
import { ownState, slowProvider, stackName, waitForText } from "./helpers.js";

const here = dirname(fileURLToPath(import.meta.url));
const compiled = await stat(join(here, "../../dist/engine/index.js")).then(Boolean, () => false);
let engine: Engine;
let log: string;
let stack: string;

beforeEach(async () => {
  // The engine of the user's cache: built once, and found in milliseconds ever after.
  engine = await ensureEngine({ progress: silent });
  await ownState();
  log = await slowProvider();
  stack = stackName();
}, 15 * 60_000);

class Slow extends CustomResource {}
class Absent extends CustomResource {}

const slow = (name: string, ms: number, more: object = {}, parent?: ComponentResource): CustomResource =>
  new Slow(
    "slow:index:Slow",
    name,
    { ms, log, ...more },
    { version: "1.0.0", ...(parent ? { parent } : {}) },
  );

const twoSteps =
  (ms: number): Program =>
  async () => {
    const parent = new ComponentResource("test:index:Parent", "parent");
    const first = slow("first", 1, {}, parent);
    slow("second", ms, { after: first.id }, parent);
    const config = new Config();
    return {
      plain: config.require("lab"),
      key: config.getSecret("key"),
      hidden: secret({ a: 1 }),
      id: first.id,
    };
  };

const open = (program: Program, more: Partial<StackOptions> = {}) =>
  openStack({
    stack,
    program,
    engine,
    config: { lab: { value: "x" }, key: { value: "k", secret: true } },
    ...more,
  });

test("up, up again, outputs, preview, destroy, remove", async () => {
  const texts: string[] = [];
  const progress = { update: (text: string) => texts.push(text), note: () => {} };
  const handle = open(twoSteps(1), { progress });
  expect(await readCheckpoint({ stack })).toBeUndefined();
  const first = await handle.up();
  expect(first.changes).toEqual({ create: 4 });
  expect(texts).toContain("creating slow first");
  expect(first.outputs).toEqual({
    plain: { value: "x", secret: false },
    key: { value: "k", secret: true },
    hidden: { value: { a: 1 }, secret: true },
    id: { value: expect.stringMatching(/^[0-9a-f-]{36}$/), secret: false },
  });
  const again = await handle.up();
  expect(again).toMatchObject({ changes: { same: 4 }, steps: [], outputs: first.outputs });
  expect(await handle.outputs()).toEqual(first.outputs);
  const settings = await readFile(join(workDir(stack), `Pulumi.${stack}.yaml`), "utf8");
  expect(settings).toMatch(/trilab:key:\n {4}secure: v1:/);
  const state = await readFile(stackFiles({ stack })?.checkpoint ?? "", "utf8");
  expect(state).not.toContain('"a": 1');
  expect((await stat(stackFiles({ stack })?.checkpoint ?? "")).mode & 0o077).toBe(0);

  const changed = open(twoSteps(2));
  expect((await changed.preview()).steps).toEqual([
    expect.objectContaining({ op: "update", type: "slow:index:Slow" }),
  ]);
  expect((await handle.destroy()).changes).toEqual({ delete: 4 });
  await handle.removeStack();
  expect(await readCheckpoint({ stack })).toBeUndefined();
  await expect(handle.destroy()).rejects.toMatchObject({ exitCode: 6 });
  await expect(handle.outputs()).rejects.toMatchObject({ exitCode: 6 });
});

test("a lost work directory is made again from the state", async () => {
  await open(twoSteps(1)).up();
  await rm(workDir(stack), { recursive: true });
  expect((await open(twoSteps(1)).up()).changes).toEqual({ same: 4 });
  await rm(workDir(stack), { recursive: true });
  expect((await openStack({ stack, engine }).destroy()).changes).toEqual({ delete: 4 });
});

test("two stacks at once do not disturb each other", async () => {
  const names = [stackName(), stackName()];
  const results = await Promise.all(names.map((name) => open(twoSteps(200), { stack: name }).up()));
  expect(results.map((result) => result.changes)).toEqual([{ create: 4 }, { create: 4 }]);
});

describe("failures", () => {
  test("a provider's error is what the user sees", async () => {
    const handle = open(async () => void slow("bad", 1, { fail: "the disk is on fire" }));
    await expect(handle.up()).rejects.toMatchObject({
      name: "UserError",
      exitCode: 1,
      why: expect.stringMatching(/bad: [\s\S]*the disk is on fire/),
    });
  });

  test("a UserError of the program comes through; a bug keeps its stack", async () => {
    const wrong = new UserError("no such lab", { exitCode: 2 });
    await expect(
      open(async () => {
        throw wrong;
      }).up(),
    ).rejects.toBe(wrong);
    // As an output, too, which only the engine waits for.
    await expect(open(async () => ({ seat: output(Promise.reject(wrong)) })).up()).rejects.toBe(wrong);
    await expect(
      open(async () => {
        throw new TypeError("bug");
      }).up(),
    ).rejects.toThrow(TypeError);
  });

  test("a missing plugin is exit 3", async () => {
    const handle = open(async () => void new Absent("absent:index:X", "x", {}, { version: "1.0.0" }));
    await expect(handle.up()).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringContaining("absent"),
    });
  });

  test("another passphrase is exit 2, before and by the engine", async () => {
    await open(twoSteps(1)).up();
    vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", "another");
    await expect(open(twoSteps(1)).up()).rejects.toMatchObject({ exitCode: 2 });
    await expect(openStack({ stack, engine }).destroy()).rejects.toMatchObject({ exitCode: 2 });
    await expect(openStack({ stack, engine }).outputs()).rejects.toMatchObject({ exitCode: 2 });
  });

  test("a truncated checkpoint is named, with the way out", async () => {
    await open(twoSteps(1)).up();
    const file = stackFiles({ stack })?.checkpoint ?? "";
    await writeFile(file, (await readFile(file, "utf8")).slice(0, 300));
    const expected = { name: "UserError", fix: expect.stringContaining("--by-label") };
    await expect(open(twoSteps(1)).up()).rejects.toMatchObject(expected);
    await expect(open(twoSteps(1)).destroy()).rejects.toMatchObject(expected);
    await open(twoSteps(1)).removeStack();
    expect(await readCheckpoint({ stack })).toBeUndefined();
  });
});

test("an abort lets the step in hand finish", async () => {
  const stop = new AbortController();
  const handle = open(twoSteps(1500), { signal: stop.signal });
  const running = expect(handle.up()).rejects.toMatchObject({ exitCode: 130 });
  await waitForText(log, "create begun\ncreate done\ncreate begun");
  stop.abort();
  await running;
  expect(await readFile(log, "utf8")).toBe("create begun\ncreate done\n".repeat(2));
  expect((await readCheckpoint({ stack }))?.pendingOperations).toEqual([]);
  expect((await open(twoSteps(1500)).up()).changes).toEqual({ same: 4 });
});

test("an engine killed in mid-step leaves a state that up goes on from", async () => {
  const failed = open(twoSteps(3000))
    .up()
    .catch((error: unknown) => error);
  await waitForText(log, "create begun\ncreate done\ncreate begun");
  const { locks } = stackFiles({ stack }) ?? { locks: "" };
  const { stdout } = await execa("find", [locks, "-name", "*.json"]);
  const { pid } = JSON.parse(await readFile(stdout.trim(), "utf8")) as { pid: number };
  process.kill(pid, "SIGKILL");
  expect(await failed).toMatchObject({ name: "UserError", exitCode: 1 });

  await expect(open(twoSteps(1)).up()).rejects.toMatchObject({ exitCode: 7 });
  expect(await clearStaleLock({ stack })).toBe(1);
  const pending = (await readCheckpoint({ stack }))?.pendingOperations;
  expect(pending?.map(({ type, resource }) => [type, resource.urn.split("::").at(-1)])).toEqual([
    ["creating", "second"],
  ]);
  await clearPending({ stack });
  expect(
    (await readCheckpoint({ stack }))?.resources.map((resource) => resource.urn.split("::").at(-1)),
  ).toEqual(expect.arrayContaining(["parent", "first"]));
  expect((await open(twoSteps(1)).up()).changes).toMatchObject({ create: 1 });
  expect((await open(twoSteps(1)).up()).changes).toEqual({ same: 4 });
  expect((await open(twoSteps(1)).destroy()).changes).toEqual({ delete: 4 });
});

test("an engine whose caller was killed is waited for", async () => {
  const running = open(twoSteps(2000)).up();
  await waitForText(log, "create begun\ncreate done\ncreate begun");
  await expect(clearStaleLock({ stack }, { waitMs: 100 })).rejects.toMatchObject({ exitCode: 7 });
  expect(await clearStaleLock({ stack }, { waitMs: 20_000 })).toBe(0);
  await running;
});

test.skipIf(!compiled)("a killed caller's engine still records what it creates", async () => {
  const caller = execa(process.execPath, [join(here, "killed-caller.mjs"), stack, log, "2000"], {
    reject: false,
  });
  await waitForText(log, "create begun\ncreate done\ncreate begun");
  caller.kill("SIGKILL");
  await caller;
  expect(await clearStaleLock({ stack })).toBe(0);
  expect((await readCheckpoint({ stack }))?.pendingOperations).toEqual([]);
  expect(
    (await readCheckpoint({ stack }))?.resources.map((resource) => resource.urn.split("::").at(-1)),
  ).toEqual(expect.arrayContaining(["first", "second"]));
});

test("the checked-in libvirt SDK is what its generator writes", async () => {
  const withLibvirt = await ensureEngine({ progress: silent, libvirt: true });
  const env = { PULUMI_HOME: withLibvirt.home, PATH: `${dirname(withLibvirt.pulumi)}:${process.env.PATH}` };
  await execa(join(here, "../../scripts/generate-libvirt-sdk"), ["--check"], { env });
});
