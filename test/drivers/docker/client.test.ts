import type Docker from "dockerode";
import { expect, it } from "vitest";
import { limitsSwap, refuseDockerContext } from "../../../drivers/docker/client.js";

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
