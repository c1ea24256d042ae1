import { expect, it, vi } from "vitest";
import type { Environment, ExecOptions } from "../../drivers/environment.js";
import { settled } from "../../model/events.js";
import type { Target } from "../../model/naming.js";
import { runEverywhere } from "../../seats/run.js";

const seat = { lab: "l", seat: "s" };
const asked: unknown[] = [];

/** A target that answers when it is told to, or when it is aborted. */
const target = (name: Target, exitCode: number, answers: Promise<unknown>): Environment =>
  ({
    target: name,
    async capture(command: readonly string[], { root, signal, timeoutMs }: ExecOptions) {
      asked.push([name, command, root, timeoutMs]);
      const aborted = new Promise((resolve) => signal?.addEventListener("abort", resolve));
      await Promise.race([answers, aborted]);
      return { exitCode, stdout: name, stderr: "" };
    },
  }) as unknown as Environment;

it("asks all at once, without a time limit, and has the answers in their order", async () => {
  // The first one answers only after the second has been asked.
  const bothAsked = vi.waitUntil(() => asked.length === 2);
  const targets = [target("container", 0, bothAsked), target("guest", 3, Promise.resolve())];
  const answers = await settled(runEverywhere(seat, targets, { command: ["id"], root: true }));
  expect(answers).toMatchObject([
    { target: "container", exitCode: 0, stdout: "container" },
    { target: "guest", exitCode: 3, stdout: "guest" },
  ]);
  expect(asked).toEqual([
    ["container", ["id"], true, 0],
    ["guest", ["id"], true, 0],
  ]);
});

it("is ended by its signal, and says that what it started may go on", async () => {
  const over = new AbortController();
  const silent = target("guest", 255, new Promise(() => {}));
  const running = settled(runEverywhere(seat, [silent], { command: ["sleep"], signal: over.signal }));
  over.abort();
  await expect(running).rejects.toMatchObject({ exitCode: 130, why: expect.stringContaining("may go on") });
});
