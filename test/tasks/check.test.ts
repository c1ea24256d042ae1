import { expect, it } from "vitest";
import type { Task } from "../../labs/task-schema.js";
import type { Entry } from "../../tasks/attempts.js";
import { heldBefore } from "../../tasks/check.js";

it("a task held before only under another start, whatever else is recorded of the machine", () => {
  const task = { id: "kept" } as Task;
  const entry = (boot: string): Entry => ({
    ...{ at: "t", kind: "check", task: "kept", lab: "d", by: "me", boot },
    evidence: { holds: "yes" },
  });
  expect(heldBefore(task, "b1 5 0123456789ab", [entry("b1 5")])).toBe(false); // of an older trilab
  expect(heldBefore(task, "b1 9 0123456789ab", [entry("b1 5")])).toBe(true);
  expect(heldBefore(task, "b2 5", [entry("b1 5")])).toBe(true);
});
