import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { expect, test, vi } from "vitest";
import { backendUrl, fileBackendDir, passphrase, stackFiles } from "../../engine/backend.js";
import { checkpointOutputs, clearPending, readCheckpoint } from "../../engine/checkpoint.js";
import { engineEnvironment } from "../../engine/cli.js";
import { type EngineFailure, engineError } from "../../engine/engine-errors.js";
import { clearStaleLock } from "../../engine/recovery.js";
import { openCrypter } from "../../engine/secrets.js";
import { newStackSalt } from "../../engine/stack-salt.js";
import { ownState, stackName } from "./helpers.js";

const urn = (type: string, name: string) => `urn:pulumi:s::trilab::${type}::${name}`;

function filesOf(stack: string) {
  const files = stackFiles({ stack });
  if (!files) throw new Error("not a file backend");
  return files;
}

async function writeCheckpoint(stack: string, latest: object): Promise<string> {
  const file = filesOf(stack).checkpoint;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify({ version: 3, checkpoint: { stack, latest, futureField: 1 } }));
  return file;
}

const root = { urn: urn("pulumi:pulumi:Stack", "trilab-s"), type: "pulumi:pulumi:Stack", custom: false };
const child = { urn: urn("a:b:C", "x"), type: "a:b:C", id: "i", parent: root.urn, dependencies: [root.urn] };

test("a backend URL may carry options, and other backends have no directory", () => {
  vi.stubEnv("PULUMI_BACKEND_URL", "file:///tmp/x%20y?metadata=skip");
  expect(fileBackendDir()).toBe("/tmp/x y");
  vi.stubEnv("PULUMI_BACKEND_URL", "s3://bucket");
  expect(fileBackendDir()).toBeUndefined();
});

test("a state directory's path may hold spaces and percent signs", async () => {
  vi.stubEnv("XDG_STATE_HOME", "/tmp/x y/100%41");
  expect(backendUrl()).toBe("file:///tmp/x%20y/100%2541/trilab/backend");
  expect(fileBackendDir()).toBe("/tmp/x y/100%41/trilab/backend");
});

test("the passphrase is made once, 0600, and the user's own goes before it", async () => {
  const dir = await ownState();
  const [one, two] = await Promise.all([passphrase(), passphrase()]);
  expect(one).toEqual(two);
  expect((await stat(join(dir, "trilab/passphrase"))).mode & 0o777).toBe(0o600);
  vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", "mine");
  expect(await passphrase()).toEqual({
    value: "mine",
    env: { PULUMI_CONFIG_PASSPHRASE: "mine" },
    generated: false,
  });
});

test("new stacks share a salt under trilab's passphrase, and have their own under a user's", async () => {
  const dir = await ownState();
  const ours = await passphrase();
  const [salt, again] = await Promise.all([newStackSalt(ours), newStackSalt(ours)]);
  expect(again).toBe(salt);
  expect(await newStackSalt(ours)).toBe(salt);
  expect((await stat(join(dir, "trilab/salt.json"))).mode & 0o777).toBe(0o600);
  await expect(openCrypter(ours.value, salt)).resolves.toMatchObject({ state: salt });
  // Another passphrase: a salt that does not open with it would lock every new stack.
  await writeFile(join(dir, "trilab/passphrase"), "another\n");
  const other = await newStackSalt(await passphrase());
  expect(other).not.toBe(salt);
  await expect(openCrypter("another", other)).resolves.toMatchObject({ state: other });
  vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", "mine");
  const own = await passphrase();
  expect(await newStackSalt(own)).not.toBe(await newStackSalt(own));
});

test("the engine follows no Docker context: everything else asks the daemon that docker:host names", async () => {
  await ownState();
  vi.stubEnv("DOCKER_CONTEXT", "afar");
  const engine = { pulumi: "/opt/pulumi", version: "3.228.0", home: "/opt/home", path: [] };
  expect(await engineEnvironment(engine)).toMatchObject({ DOCKER_CONTEXT: "", PULUMI_HOME: "/opt/home" });
});

test("a checkpoint is read without the engine", async () => {
  await ownState();
  const stack = stackName();
  expect(await readCheckpoint({ stack })).toBeUndefined();
  await writeCheckpoint(stack, { resources: [root, child] });
  const checkpoint = await readCheckpoint({ stack });
  expect(checkpoint?.resources.map((resource) => resource.urn)).toEqual([root.urn, child.urn]);
  expect(checkpoint?.pendingOperations).toEqual([]);
});

test.each(["", '{"version": 3, "checkp', "null", '{"version":3,"checkpoint":{"latest":{"resources":[{}]}}}'])(
  "a damaged checkpoint (%j) tells the way out",
  async (text) => {
    await ownState();
    const stack = stackName();
    const file = await writeCheckpoint(stack, {});
    await writeFile(file, text);
    await expect(readCheckpoint({ stack })).rejects.toMatchObject({
      name: "UserError",
      exitCode: 1,
      fix: expect.stringContaining("trilab down --by-label"),
    });
  },
);

test("pending operations are named, then cleared without touching the rest", async () => {
  await ownState();
  const stack = stackName();
  const lost = { ...child, urn: urn("a:b:C", "lost"), id: undefined };
  const file = await writeCheckpoint(stack, {
    resources: [root, child],
    pending_operations: [
      { type: "creating", resource: lost },
      { type: "updating", resource: child },
    ],
  });
  expect((await readCheckpoint({ stack }))?.pendingOperations.map((o) => o.resource.urn)).toEqual([
    lost.urn,
    child.urn,
  ]);
  const before = await readFile(file, "utf8");
  await clearPending({ stack });
  expect((await readCheckpoint({ stack }))?.pendingOperations).toEqual([]);
  const after = JSON.parse(await readFile(file, "utf8"));
  expect(after.checkpoint.latest).toEqual({ resources: [root, child] });
  expect(after.checkpoint.futureField).toBe(1);
  expect(await readFile(`${file}.before-edit`, "utf8")).toBe(before);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test("secret outputs are opened with the stack's passphrase only", async () => {
  vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", "right");
  const crypter = await openCrypter("right");
  const sealed = {
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    ciphertext: crypter.encrypt(JSON.stringify({ a: [1] })),
  };
  const resource = { ...root, inputs: {}, outputs: { open: 1, shut: { in: sealed } } };
  const checkpoint = { resources: [resource], pendingOperations: [], salt: crypter.state };
  expect(await checkpointOutputs(checkpoint)).toEqual({
    open: { value: 1, secret: false },
    shut: { value: { in: { a: [1] } }, secret: true },
  });
  vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", "wrong");
  await expect(checkpointOutputs(checkpoint)).rejects.toMatchObject({ name: "UserError", exitCode: 2 });
});

test("a lock is removed when its engine is dead, ours is not an engine, or it was cut short", async () => {
  await ownState();
  const stack = stackName();
  const { locks } = filesOf(stack);
  await mkdir(locks, { recursive: true });
  const dead = execa("true");
  await dead;
  const lock = { username: "u", hostname: hostname(), timestamp: new Date().toISOString() };
  await writeFile(join(locks, "a.json"), JSON.stringify({ ...lock, pid: dead.pid }));
  await writeFile(join(locks, "b.json"), JSON.stringify({ ...lock, pid: process.pid }));
  await writeFile(join(locks, "c.json"), '{"pid"');
  expect(await clearStaleLock({ stack })).toBe(3);
  expect(await readdir(locks)).toEqual([]);
  await writeFile(
    join(locks, "d.json"),
    JSON.stringify({ ...lock, pid: dead.pid, hostname: "elsewhere.example" }),
  );
  // That may be this machine, by its former name.
  await expect(clearStaleLock({ stack })).rejects.toMatchObject({
    fix: expect.stringContaining(`rm '${join(locks, "d.json")}'`),
    exitCode: 7,
  });
});

test.each<[Partial<EngineFailure>, number, RegExp]>([
  [{ stderr: "error: no stack named 's' found" }, 6, /no stack/],
  [{ stderr: "error: the stack is currently locked by 1 lock(s)." }, 7, /locked/],
  [{ stderr: "error: [409] Conflict: Another update is currently in progress." }, 7, /locked/],
  [{ stderr: "error: getting secrets manager: incorrect passphrase" }, 2, /passphrase/],
  [
    { diagnostics: ["default: no resource plugin 'pulumi-resource-docker' found in the workspace"] },
    3,
    /docker/,
  ],
  [{ interrupted: true, stderr: "error: update canceled" }, 130, /interrupted/],
  [{ diagnostics: ["x: name already in use"] }, 1, /up of "s" failed/],
  [
    { stderr: "error: could not deserialize deployment: unexpected end of JSON input" },
    1,
    /state of "s" cannot be read/,
  ],
  [{ stderr: "error: invalid character 'x' looking for beginning of value" }, 1, /cannot be read/],
  // A proxy's page in the Docker daemon's place.
  [
    {
      diagnostics: ["x: invalid character '<' looking for beginning of value"],
      stderr: "error: invalid character '<' looking for beginning of value",
    },
    1,
    /up of "s" failed/,
  ],
  [{ exitCode: undefined, signal: "SIGKILL" }, 1, /failed/],
])("an engine failure %j becomes exit %d", (failure, exitCode, message) => {
  const error = engineError({
    command: "up",
    stack: "s",
    exitCode: 255,
    stderr: "",
    diagnostics: [],
    interrupted: false,
    ...failure,
  });
  expect(error).toMatchObject({ name: "UserError", exitCode, message: expect.stringMatching(message) });
});

test("an engine that was killed, or a plugin, is told as that, and never as the provider's own words", () => {
  const killed = { command: "up", stack: "s", exitCode: undefined, signal: "SIGKILL", interrupted: false };
  const again = expect.stringMatching(/^run the command again/);
  expect(engineError({ ...killed, diagnostics: [], stderr: "\n\nUpdating (s):\n\n" })).toMatchObject({
    message: 'up of "s" failed: its engine was killed (SIGKILL)',
    why: "Updating (s):",
    fix: again,
  });
  expect(engineError({ ...killed, diagnostics: [], stderr: "" })).toMatchObject({
    why: "the engine ended by SIGKILL, and said nothing",
  });
  // Ended by the second Ctrl-C.
  expect(engineError({ ...killed, interrupted: true, diagnostics: [], stderr: "" })).toMatchObject({
    exitCode: 130,
    why: expect.stringMatching(/ended in the middle of a step/),
  });
  const ended = { ...killed, signal: undefined, exitCode: 255 };
  const diagnostics = ["c: rpc error: code = Unavailable desc = error reading from server: EOF"];
  expect(engineError({ ...ended, diagnostics, stderr: "" })).toMatchObject({
    message: 'up of "s" failed: a plugin of the engine ended too early',
    fix: again,
  });
  expect(engineError({ ...ended, exitCode: 9, diagnostics: [], stderr: "\n" })).toMatchObject({
    why: "the engine ended with code 9",
  });
});

test("the user sees the diagnostics, not the engine's whole output; a bug of ours keeps its stack", () => {
  const base = {
    command: "up",
    stack: "s",
    exitCode: 255,
    interrupted: false,
    stderr: "Updating (s):\nnoise",
  };
  expect(engineError({ ...base, diagnostics: ["a: one", "b: two"] })).toMatchObject({
    why: "a: one\nb: two",
  });
  const bug = new TypeError("x is not a function");
  expect(
    engineError({ ...base, diagnostics: ["Unhandled exception: TypeError: x"], programError: bug }),
  ).toBe(bug);
});
