import { expect, it } from "vitest";
import { UserError } from "../../base/errors.js";
import type { Environment } from "../../drivers/environment.js";
import { setExpiry } from "../../seats/set-machine-expiry.js";

/** An environment that answers every command so, and remembers what it was asked. */
function answering(exitCode: number, stderr = "") {
  const asked: { command: readonly string[]; root: boolean | undefined; waitMs: number }[] = [];
  const environment: Pick<Environment, "name" | "firstAnswer"> = {
    name: "trilab-l-s-guest",
    async firstAnswer(command, { root }, waitMs) {
      asked.push({ command, root, waitMs });
      return { result: { exitCode, stdout: "", stderr }, before: 0, after: 0 };
    },
  };
  return { asked, environment };
}

it("tells a machine its end in Unix seconds, as root, and waits only when asked to", async () => {
  const { asked, environment } = answering(0);
  await setExpiry(environment, "2026-01-01T03:00:00.000Z");
  await setExpiry(environment, "never", { waitMs: 5_000 });
  const program = "/usr/local/lib/trilab/lifetime";
  expect(asked).toEqual([
    { command: [program, "set", "1767236400"], root: true, waitMs: 0 },
    { command: [program, "set", "never"], root: true, waitMs: 5_000 },
  ]);
});

it("names the machine that did not take it, with its words", async () => {
  const failed = setExpiry(answering(1, "No space left on device\n").environment, "never");
  await expect(failed).rejects.toThrow(UserError);
  await expect(failed).rejects.toMatchObject({
    message: expect.stringContaining("trilab-l-s-guest"),
    why: "No space left on device",
  });
});
