import type Docker from "dockerode";
import { expect, it } from "vitest";
import { stopContainer } from "../../../drivers/docker/stop-container.js";

/** A container; notes what is done with it. `ends`: the exit code of the program that waits for its processes. */
function daemon(state: object, { ends = 0 as number | Error, policy = "on-failure" } = {}) {
  const calls: unknown[][] = [];
  const exec = {
    start: async () => {
      calls.push(["exec"]);
      if (ends instanceof Error) throw ends;
    },
    inspect: async () => ({ Running: false, ExitCode: ends }),
  };
  const late = Object.assign(new Error("it is not running"), { statusCode: 304 });
  const container = {
    inspect: async () => ({ HostConfig: { RestartPolicy: { Name: policy } }, State: state }),
    update: async (change: unknown) => void calls.push(["update", change]),
    unpause: async () => void calls.push(["unpause"]),
    kill: async () => void calls.push(["kill"]),
    exec: async () => exec,
    stop: async () => {
      calls.push(["stop"]);
      throw late;
    },
  };
  return { calls, container: container as unknown as Docker.Container };
}
const stays = ["update", { RestartPolicy: { Name: "no" } }];

it("a container is kept from coming back, its processes are asked to end, and then it is stopped", async () => {
  const { calls, container } = daemon({ Running: true });
  expect(await stopContainer(container)).toBe("clean");
  expect(calls).toEqual([stays, ["exec"], ["stop"]]);
});

it.each([1, new Error("no room for one more process")])(
  "that some did not end is told, and so is that none could be asked: %s",
  async (ends) => {
    const { calls, container } = daemon({ Running: true }, { ends });
    expect(await stopContainer(container)).toBe("forced");
    expect(calls.at(-1)).toEqual(["stop"]);
  },
);

it("one that is paused goes on first; with force nothing is asked", async () => {
  const paused = daemon({ Running: true, Paused: true });
  expect(await stopContainer(paused.container)).toBe("clean");
  expect(paused.calls).toEqual([stays, ["unpause"], ["exec"], ["stop"]]);
  const forced = daemon({ Running: true });
  expect(await stopContainer(forced.container, { force: true })).toBe("forced");
  expect(forced.calls).toEqual([stays, ["kill"]]);
});

it("one that is off already stays so", async () => {
  const { calls, container } = daemon({ Running: false }, { policy: "no" });
  expect(await stopContainer(container)).toBe("off");
  expect(calls).toEqual([]);
});

it("an interrupted stop ends the waiting, and kills nothing", async () => {
  const { calls, container } = daemon({ Running: true });
  const over = new AbortController();
  over.abort(new Error("enough"));
  await expect(stopContainer(container, { signal: over.signal })).rejects.toThrow("enough");
  expect(calls).toEqual([stays, ["exec"]]);
});
