import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it, vi } from "vitest";
import { hasEnded, processOf } from "../../base/processes.js";

it("a process has ended when it is gone, and when only its parent has not noticed", async () => {
  expect(hasEnded(process.pid)).toBe(false);
  // A shell that starts a program and waits for nothing becomes another program, which knows of no child.
  const parent = spawn("sh", ["-c", "sh -c 'exit' & echo $!; exec sleep 60"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [line] = await once(parent.stdout, "data");
  await vi.waitFor(() => expect(hasEnded(Number(String(line)))).toBe(true));
  const over = once(parent, "exit");
  parent.kill();
  await over;
  expect(hasEnded(parent.pid ?? 0)).toBe(true);
});

it("a running process has a name and a parent, whatever the name contains; one that has ended has neither", async () => {
  const name = "a) Z 1 (b";
  const child = spawn("sh", ["-c", `printf %s '${name}' >/proc/$$/comm; echo; read -r line`], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  expect(processOf(child.pid ?? 0)).toEqual({ name, parent: process.pid });
  const over = once(child, "exit");
  child.stdin.end();
  await over;
  expect(processOf(child.pid ?? 0)).toBeUndefined();
});
