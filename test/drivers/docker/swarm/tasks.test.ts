import { expect, it } from "vitest";
import {
  containerName,
  currentTask,
  stateOf,
  type Task,
  tasksOf,
} from "../../../../drivers/docker/swarm/tasks.js";

const task = (ID: string, minute: number, state: string, desired = "running", ServiceID = "s"): Task => ({
  ID,
  ServiceID,
  NodeID: `node-${ID}`,
  Slot: 1,
  CreatedAt: `2026-01-01T00:0${minute}:00.123456789Z`,
  DesiredState: desired,
  Status: { State: state },
});

it("is where the task is that the Swarm wants to run, not the last that it made or that of another service", () => {
  const tasks = tasksOf(
    [
      task("old", 1, "running", "shutdown"),
      task("new", 2, "running"),
      task("other", 3, "running", "running", "t"),
    ],
    "s",
  );
  expect(tasks.map(({ ID }) => ID)).toEqual(["new", "old"]);
  expect(currentTask(tasks)?.ID).toBe("new");
  expect(containerName("box", tasks[0] as Task)).toBe("box.1.new");
  expect(currentTask([])).toBeUndefined();
});

it.each([
  [undefined, "created"],
  [task("a", 1, "running"), "running"],
  [task("a", 1, "running", "shutdown"), "ending"],
  [task("a", 1, "complete", "shutdown"), "exited"],
  [task("a", 1, "pending"), "pending"],
  [task("a", 1, "new"), "pending"],
  [task("a", 1, "preparing"), "starting"],
  // It waits until the one before has ended.
  [task("a", 1, "ready", "ready"), "starting"],
  [task("a", 1, "starting", "shutdown"), "ending"],
  [task("a", 1, "shutdown", "shutdown"), "shutdown"],
  [task("a", 1, "failed", "shutdown"), "failed"],
] as const)("state %#: %j is %s", (given, state) => {
  expect(stateOf(given)).toBe(state);
});
