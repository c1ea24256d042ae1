import { expect, it } from "vitest";
import { requireQuotas } from "../../classes/rented-seats.js";
import type { Quota } from "../../drivers/ec2/quotas.js";

const news = { rental: { region: "eu-central-1", size: "t3.nano", disk: 2 ** 32 }, seats: 6, ttl: 3600 };
const quotas = (networks: Partial<Quota>, vCPUs: Partial<Quota>): Quota[] => [
  { of: "networks", used: 1, limit: 100, ...networks },
  { of: "vCPUs", used: 4, limit: 100, ...vCPUs },
];
/** Why it is refused, and what would help. */
function refusal(given: Quota[], networks: number): string {
  try {
    requireQuotas(given, news, networks);
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
  // A t3.nano has two vCPUs.
  const both = refusal(quotas({ limit: 6 }, { limit: 10 }), 1);
  expect(both).toContain("networks: 6 are needed, and 1 of 6 are in use");
  expect(both).toContain("vCPUs: 12 are needed, and 4 of 10 are in use");
  expect(both).toMatch(/network: default.*there is room for 3$/);
  const vcpus = refusal(quotas({}, { limit: 2 }), 1);
  expect(vcpus).toMatch(/there is room for 0$/);
  expect(vcpus).not.toContain("network: default");
});
