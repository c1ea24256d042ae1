import { expect, it } from "vitest";
import { requireQuotas } from "../../classes/rented-seats.js";
import type { Quota } from "../../drivers/ec2/quotas.js";

const quotas = (networks: Partial<Quota>, vCPUs: Partial<Quota>): Quota[] => [
  { of: "networks", used: 1, limit: 100, ...networks },
  { of: "vCPUs", used: 4, limit: 100, ...vCPUs },
];
/** Why six seats with two vCPUs each are refused, and what would help; empty if they are not. */
function refusal(given: Quota[], networks: 0 | 1): string {
  const each = { networks, vCPUs: 2 };
  const needs = { region: "eu-central-1", seats: 6, each, needed: { networks: 6 * networks, vCPUs: 12 } };
  try {
    requireQuotas(given, needs);
  } catch (error) {
    const { fix, why } = error as { why: string; fix: string };
    return `${why}; ${fix}`;
  }
  return "";
}

it("what fits passes, to the last one; a limit that is not known stops nothing", () => {
  expect(refusal(quotas({ limit: 7 }, { limit: 16 }), 1)).toBe("");
  expect(refusal(quotas({ limit: undefined }, { limit: undefined }), 1)).toBe("");
  // In the account's own network, a seat needs none.
  expect(refusal(quotas({ limit: 1 }, {}), 0)).toBe("");
});

it("each quota that is too small is named, and how many seats there is room for", () => {
  const both = refusal(quotas({ limit: 6 }, { limit: 10 }), 1);
  expect(both).toContain("networks: needed 6, in use 1 of 6");
  expect(both).toContain("vCPUs: needed 12, in use 4 of 10");
  expect(both).toMatch(/network: default.*there is room for 3$/);
  const vcpus = refusal(quotas({}, { limit: 2 }), 1);
  expect(vcpus).toMatch(/there is room for 0$/);
  expect(vcpus).not.toContain("network: default");
});
