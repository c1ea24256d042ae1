import type Docker from "dockerode";
import { describe, expect, it } from "vitest";
import { holdLimits, limitsSwap, refuseDockerContext } from "../../../drivers/docker/client.js";

const MiB = 2 ** 20;
const spec = { cpus: 2, memory: 512 * MiB };

/** A daemon with one container; notes how it is changed. */
function daemon(host: object, state: object = { Running: true }, logs = "") {
  const changes: unknown[] = [];
  const header = Buffer.from([1, 0, 0, 0, 0, 0, 0, logs.length]);
  const container = {
    inspect: async () => ({ Name: "/box", HostConfig: host, State: state }),
    update: async (change: unknown) => changes.push(change),
    logs: async () => Buffer.concat([header, Buffer.from(logs)]),
  };
  return { changes, client: { getContainer: () => container } as unknown as Docker };
}

describe("the limits of a running container", () => {
  const held = { PidsLimit: 256, Memory: 512 * MiB, MemorySwap: 512 * MiB, NanoCpus: 2e9 };

  it("are left alone where they hold", async () => {
    const { changes, client } = daemon(held);
    await holdLimits("box", spec, client);
    expect(changes).toEqual([]);
  });

  it.each([{ NanoCpus: 1e9 }, { PidsLimit: 0 }, { Memory: MiB }, { MemorySwap: -1 }])(
    "are set again where they don't: %j",
    async (other) => {
      const { changes, client } = daemon({ ...held, ...other });
      await holdLimits("box", spec, client);
      expect(changes).toEqual([held]);
    },
  );

  it("have none of swap where the daemon keeps none", async () => {
    const { changes, client } = daemon({ ...held, MemorySwap: -1 });
    await holdLimits("box", { ...spec, swapLimit: false }, client);
    expect(changes).toEqual([]);
  });

  it("can't be those of one that has ended: its last words are told", async () => {
    const { client } = daemon(held, { Running: false, ExitCode: 7, Error: "" }, "out of cheese\n");
    await expect(holdLimits("box", spec, client)).rejects.toMatchObject({
      name: "UserError",
      message: "container box does not run",
      why: "its program ended with exit code 7; its last output:\nout of cheese",
    });
  });
});

it.each([
  [{ SwapLimit: false }, false],
  [{ SwapLimit: true }, true],
  // Podman's, say, which has no such word.
  [{}, true],
])("whether %j limits swap: %j", async (info, limits) => {
  expect(await limitsSwap({ info: async () => info } as unknown as Docker)).toBe(limits);
});

it("a Docker context is refused: the official plugin alone would follow it", () => {
  refuseDockerContext({});
  refuseDockerContext({ DOCKER_CONTEXT: "" });
  expect(() => refuseDockerContext({ DOCKER_CONTEXT: "afar" })).toThrow(/DOCKER_CONTEXT is "afar"/);
});
