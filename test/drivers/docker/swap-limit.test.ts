import type Docker from "dockerode";

import { expect, it } from "vitest";
import { limitsSwap } from "../../../drivers/docker/swap-limit.js";

it.each([
  [{ SwapLimit: false }, false],
  [{ SwapLimit: true }, true],
  // Podman's, say, which has no such word.
  [{}, true],
])("whether %j limits swap: %j", async (info, limits) => {
  expect(await limitsSwap({ info: async () => info } as unknown as Docker)).toBe(limits);
});
