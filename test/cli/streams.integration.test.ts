import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { quoted } from "../../base/shell-words.js";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-test-"));
});
afterAll(() => rm(dir, { recursive: true }));

const ESCAPE = "\u001b";

/** What a line of shell prints in a terminal of its own (script, of util-linux). */
const inTerminal = async (line: string): Promise<string> =>
  (
    await execa("script", ["-qec", line, "/dev/null"], {
      stdin: "ignore",
      env: { TERM: "xterm", NO_COLOR: "" },
    })
  ).stdout;

it("a file gets no colours, also when messages go to a terminal", async () => {
  const file = join(dir, "labs");
  expect(await inTerminal("./trilab labs ls")).toContain(`${ESCAPE}[`);
  await inTerminal(`./trilab labs ls > ${quoted([file])}`);
  const text = await readFile(file, "utf8");
  expect(text).toContain("first-boot");
  expect(text).not.toContain(ESCAPE);
});

it("JSON has no colours on a terminal, either", async () => {
  const text = await inTerminal("./trilab labs show first-boot --json");
  expect(JSON.parse(text)).toMatchObject({ kind: expect.any(String) });
  expect(text).not.toMatch(/\\u001b|\[1m/);
});

it("a reader that closes the pipe does not change the exit code", async () => {
  const line = `./trilab doctor --docker unix://${dir}/none | true; echo "\${PIPESTATUS[0]}"`;
  const { stdout } = await execa("bash", ["-c", line]);
  expect(stdout).toBe("3");
});

it("messages that nobody reads do not stop a command", async () => {
  const line = `{ ./trilab doctor --docker unix://${dir}/none 2>&1 >&3 | true; echo "\${PIPESTATUS[0]}" >&2; } 3>"$1"`;
  const { stderr } = await execa("bash", ["-c", line, "-", join(dir, "doctor")]);
  expect(stderr).toBe("3");
  expect(await readFile(join(dir, "doctor"), "utf8")).toContain("Docker daemon");
});

it("a command that repeats itself ends when nobody reads it any more", async () => {
  const line = `./trilab reap --watch 1s --dry-run | true; echo "\${PIPESTATUS[0]}"`;
  const { stdout } = await execa("bash", ["-c", line], { timeout: 60_000, env: { XDG_STATE_HOME: dir } });
  expect(stdout).toBe("130");
});
