import { execa } from "execa";
import { describe, expect, it } from "vitest";
import type { Environment, ExecOptions } from "../../drivers/environment.js";
import { CONTAINER_ID, runScript, startOf } from "../../labs/run-script.js";

/** A target that runs its commands here. */
const here = {
  target: "guest",
  name: "here",
  exec: async ([file = "", ...args]: readonly string[], { input = "", timeoutMs }: ExecOptions = {}) => {
    const run = await execa(file, args, {
      input,
      reject: false,
      ...(timeoutMs ? { timeout: timeoutMs } : {}),
    });
    return { exitCode: run.exitCode ?? 255, stdout: run.stdout, stderr: run.stderr };
  },
} as unknown as Environment;

const seat = { lab: "web", seat: "alice", user: "lab" };
const run = (text: string, timeout = 10, values = {}) =>
  runScript(here, { name: "check.sh", text }, { values, seat, timeout });

describe("a lab's script", () => {
  it("is done, with what it noted, and when its machine started", async () => {
    const result = await run('note layers 3\nnote "image" "a  b"', 10);
    expect(result).toMatchObject({ outcome: "done", why: "", evidence: { layers: "3", image: "a  b" } });
    expect(result.boot).toMatch(/^[0-9a-f-]{36} \d+( [0-9a-f]{12})?$/);
    expect(startOf(result.boot)).toMatch(/^[0-9a-f-]{36} \d+$/);
  });

  it("knows its container, because two containers of one host can start in the same tick", async () => {
    const id = "0123456789ab".padEnd(64, "c");
    const mounts = [
      "30 20 0:40 / /etc/other rw - tmpfs tmpfs rw",
      `31 20 252:1 /var/lib/docker/containers/${id}/resolv.conf /etc/resolv.conf rw - ext4 /dev/vda1 rw`,
      `32 20 252:1 /var/lib/docker/containers/${id}/hostname /etc/hostname rw - ext4 /dev/vda1 rw`,
    ];
    const found = await execa("sed", ["-n", CONTAINER_ID], { input: mounts.join("\n") });
    expect(found.stdout).toBe(" 0123456789ab");
  });

  it("gets the seat's values, however they are written", async () => {
    const text = 'note all "$port|$animal|$lab|$seat|$target|$HOME|$PWD"';
    const { evidence } = await run(text, 10, { port: "24117", animal: "it's $(id)" });
    expect(evidence.all).toBe("24117|it's $(id)|web|alice|guest|/root|/");
  });

  it.each([
    ["no 'nothing answers'", "nothing answers"],
    ["note a b; (no 'from a subshell')", "from a subshell"],
    ["x() { no inside a function; }; x", "inside a function"],
    ["no $'two\\nlines'", "two lines"],
    [`no "$(printf 'x%.0s' {1..2000})"`, "x".repeat(497)],
  ])("says no: %s", async (text, why) => {
    expect(await run(text)).toMatchObject({ outcome: "no", why: expect.stringMatching(`^${why}`) });
  });

  it.each([
    ["an error", "false", /check\.sh failed \(exit 1\)/],
    ["an unknown variable", "echo $absent", /absent: unbound variable/],
    ["no such command", "surely-absent", /exit 127.*surely-absent/],
    ["a mistake in its text", "if then", /syntax error/],
    ["the code of no without its sentence", "exit 100", /failed \(exit 100\)/],
    ["too slow", "sleep 30", /did not end within 1 s/],
    ["deaf to the end of its time", "trap '' TERM; while :; do sleep 1; done", /did not end within 1 s/],
  ])("could not look: %s", async (_, text, why) => {
    expect(await run(text, 1)).toMatchObject({ outcome: "failed", why: expect.stringMatching(why) });
  });

  it("reads nothing of its own text, and leaves no process that keeps the output", async () => {
    const began = Date.now();
    const { evidence, outcome } = await run("cat; sleep 60 & (sleep 60 &)\nnote last line", 50);
    expect({ evidence, outcome }).toEqual({ evidence: { last: "line" }, outcome: "done" });
    expect(Date.now() - began).toBeLessThan(20_000);
  });

  it("may print megabytes", async () => {
    const { outcome, output } = await run("head -c 5000000 /dev/zero | tr '\\0' x; echo; echo end >&2");
    expect(outcome).toBe("done");
    expect(output.length).toBe(65536);
  });

  it("could not look at a machine that is silent", async () => {
    const silent = { ...here, exec: async () => ({ exitCode: 255, stdout: "", stderr: "ssh: no route" }) };
    const options = { values: {}, seat, timeout: 1 };
    expect(
      await runScript(silent as unknown as Environment, { name: "check.sh", text: ":" }, options),
    ).toMatchObject({
      outcome: "failed",
      why: "the guest did not run it: ssh: no route",
    });
  });
});
