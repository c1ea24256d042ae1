import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ExitCode } from "../../base/errors.js";
import { stateDir } from "../../base/paths.js";
import { knownStates, openState } from "../../shared/open-state.js";
import { sharedNow } from "../../shared/shared-state.js";
import { MemoryBucket } from "../support/memory-bucket.js";

const URL = "s3://bucket/class";
let base = "";
let bucket = new MemoryBucket();

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "open-state-"));
  bucket = new MemoryBucket();
  asInstructor("a");
  vi.stubEnv("TRILAB_STATE_PASSPHRASE", "correct horse battery");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(base, { recursive: true, force: true });
});

const asInstructor = (name: string): void => void vi.stubEnv("XDG_STATE_HOME", join(base, name));
const open = (create = false) => openState(URL, { bucket, create });

it("the first makes it, the second joins; Pulumi's passphrase is the same for both, and no secret is in the bucket", async () => {
  const { state: a } = await open(true);
  asInstructor("b");
  const { state: b } = await open();
  expect(b.dir).not.toBe(a.dir);
  expect(b.copy).not.toBe(a.copy);
  const [mine, theirs] = await Promise.all(
    [a, b].map(({ dir }) => readFile(join(dir, "passphrase"), "utf8")),
  );
  expect(mine).toBe(theirs);
  expect((await stat(join(a.dir, "copy.json"))).mode & 0o777).toBe(0o600);
  const text = bucket.objects.get("trilab-state.json")?.body.toString() ?? "";
  expect(text).not.toContain(JSON.parse(await readFile(join(a.dir, "copy.json"), "utf8")).key);
  expect([...bucket.objects.keys()]).toEqual(["trilab-state.json"]);
});

it("the passphrase is needed once on each machine", async () => {
  await open(true);
  vi.stubEnv("TRILAB_STATE_PASSPHRASE", undefined);
  await open();
  expect(await knownStates()).toMatchObject([{ url: URL }]);
  asInstructor("b");
  await expect(open()).rejects.toMatchObject({
    message: "there is no passphrase for the shared state",
    exitCode: ExitCode.usage,
  });
  expect(await knownStates()).toEqual([]);
  const file = join(base, "passphrase");
  await writeFile(file, "correct horse battery\n");
  vi.stubEnv("TRILAB_STATE_PASSPHRASE_FILE", file);
  await open();
});

it("two who make it at once share one key", async () => {
  const states = await Promise.all(
    ["a", "b", "c"].map((name) => {
      asInstructor(name);
      return open(true);
    }),
  );
  const keys = await Promise.all(
    states.map(async ({ state }) => JSON.parse(await readFile(join(state.dir, "copy.json"), "utf8")).key),
  );
  expect(new Set(keys).size).toBe(1);
});

it.each([
  ["a wrong passphrase", { TRILAB_STATE_PASSPHRASE: "another passphrase" }, "does not open the shared state"],
  ["a short one", { TRILAB_STATE_PASSPHRASE: "short" }, "there is no passphrase"],
  [
    "a backend of one's own",
    { PULUMI_BACKEND_URL: "file:///tmp/x" },
    "can't be used with PULUMI_BACKEND_URL",
  ],
  [
    "a passphrase of one's own",
    { PULUMI_CONFIG_PASSPHRASE: "x" },
    "can't be used with PULUMI_CONFIG_PASSPHRASE",
  ],
])("%s is refused", async (_, env, message) => {
  await open(true);
  asInstructor("b");
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  await expect(open()).rejects.toMatchObject({
    message: expect.stringContaining(message),
    exitCode: ExitCode.usage,
  });
});

it("a place without a shared state is no empty one", async () => {
  await expect(open()).rejects.toMatchObject({ exitCode: ExitCode.notFound });
  expect(bucket.objects.size).toBe(0);
});

it("a server that ignores conditions is refused, and nothing is left there", async () => {
  const careless = new MemoryBucket();
  const put = careless.put.bind(careless);
  careless.put = (key, body) => put(key, body, careless.objects.get(key)?.etag);
  await expect(openState(URL, { bucket: careless, create: true })).rejects.toMatchObject({
    why: expect.stringContaining("If-None-Match"),
    exitCode: ExitCode.hostNotReady,
  });
  expect(careless.objects.size).toBe(0);
});

it("what runs in it has its copy as the state directory, and nothing else has", async () => {
  const own = stateDir();
  const { state } = await open(true);
  await state.run(async () => {
    expect(stateDir()).toBe(state.dir);
    expect(sharedNow()).toBe(state);
  });
  expect(stateDir()).toBe(own);
  expect(sharedNow()).toBeUndefined();
});
