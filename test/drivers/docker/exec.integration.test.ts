import { afterAll, beforeAll, expect, test } from "vitest";
import { ContainerEnvironment } from "../../../drivers/docker/container-environment.js";
import type { ExecOptions } from "../../../drivers/environment.js";
import { LOCAL } from "../../../model/endpoint.js";
import { docker, makeImage, removeImage, uniqueName } from "../../plugins/support.js";

const name = uniqueName("exec");
const container = new ContainerEnvironment(name, "0", LOCAL.docker);
const answer = async (command: string[], options: ExecOptions = {}) =>
  (await container.firstAnswer(command, options)).result;

beforeAll(async () => {
  await makeImage(name);
  await (await docker().createContainer({ name, Image: name, Cmd: ["sleep", "600"] })).start();
});
afterAll(async () => {
  await docker().getContainer(name).remove({ force: true });
  await removeImage(name);
});

test("a command's output and exit code come back", async () => {
  expect(await answer(["sh", "-c", "echo out; echo err >&2; exit 3"])).toEqual({
    exitCode: 3,
    stdout: "out\n",
    stderr: "err\n",
  });
  expect(await answer(["cat"], { input: "in" })).toEqual({ exitCode: 0, stdout: "in", stderr: "" });
});

test("a command is answered while it runs", async () => {
  const reply = (text: string): string | undefined => (text.includes("name?") ? "trilab\n" : undefined);
  const script = 'echo "name?"; read -r name; echo "hello $name"';
  expect(await answer(["sh", "-c", script], { input: "", reply })).toMatchObject({
    exitCode: 0,
    stdout: "name?\nhello trilab\n",
  });
});

test("one that is not there, does not end or does not stop printing is no success", async () => {
  expect((await answer(["no-such-program"])).exitCode).toBeOneOf([126, 127]);
  expect(await answer(["sleep", "60"], { timeoutMs: 200 })).toMatchObject({
    exitCode: 255,
    stderr: "no end within 0.2 s",
  });
  const flood = await answer(["sh", "-c", "while :; do echo 0123456789012345678901234567890123456789; done"]);
  expect(flood).toMatchObject({ exitCode: 255, stderr: "it prints too much" });
  await expect(answer(["sleep", "60"], { signal: AbortSignal.timeout(200) })).rejects.toThrow(/timeout/);
});

test("a container that is not there or does not run is named, with the reason", async () => {
  const none = new ContainerEnvironment(`${name}-none`, "0", LOCAL.docker);
  await expect(none.firstAnswer(["true"], {})).rejects.toMatchObject({
    message: `the container ${name}-none does not run commands`,
    why: expect.stringContaining("No such container"),
  });
  await docker().getContainer(name).stop({ t: 0 });
  await expect(answer(["true"])).rejects.toMatchObject({ why: expect.stringContaining("is not running") });
});
