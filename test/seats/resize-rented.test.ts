import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, it, vi } from "vitest";
import { ExitCode } from "../../base/errors.js";
import { Ec2Driver } from "../../drivers/ec2/driver.js";
import type { Found } from "../../drivers/found.js";
import { instanceType } from "../../model/instance-catalogue.js";
import { planRented, type RentedPlan, resizeRented } from "../../seats/resize-rented.js";
import { readRecord, writeRecord } from "../../seats/seat-record.js";
import { seatRecord } from "./record.js";

vi.mock("../../seats/account.js", () => ({ requireAccount: async () => {} }));

const dir = await mkdtemp(join(tmpdir(), "trilab-test-"));
vi.stubEnv("XDG_STATE_HOME", dir);
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});
beforeEach(() => void vi.restoreAllMocks());

const vps = { cloud: "aws", type: "t3.nano", credits: "standard", learner: "203.0.113.7/32" } as const;
const record = seatRecord({
  targets: ["vps"],
  rentedAt: { kind: "ec2", region: "eu-west-1" },
  vps: { ...vps },
});
const plan = { from: instanceType("t3.nano"), to: instanceType("t3.micro") } as RentedPlan;

/** The record after a change of type that fails, when AWS answers so about the type. */
async function afterFailure(typeOf: () => Promise<string | undefined>): Promise<unknown> {
  await writeRecord(record);
  const found: Found = { kind: "instance", id: "i-1", name: "m", state: "stopped", owner: record.owner };
  vi.spyOn(Ec2Driver.prototype, "inventory").mockResolvedValue({
    labelled: [{ found, labels: {} }],
    named: [],
  });
  vi.spyOn(Ec2Driver.prototype, "changeType").mockRejectedValue(new Error("no capacity"));
  vi.spyOn(Ec2Driver.prototype, "typeOf").mockImplementation(typeOf);
  const events = resizeRented(record, plan, { memory: 2 ** 30 });
  await expect(
    (async () => {
      for await (const _ of events);
    })(),
  ).rejects.toThrow("no capacity");
  return (await readRecord(record))?.vps;
}

it("a failed change leaves the type in the record that the instance has", async () => {
  expect(await afterFailure(async () => "t3.nano")).toEqual(vps);
  expect(await afterFailure(async () => undefined)).toEqual(vps);
  expect(await afterFailure(async () => "t3.micro")).toEqual({
    ...vps,
    type: "t3.micro",
    firstType: "t3.nano",
  });
});

it("a failed change of which AWS does not tell the outcome is finished by the next up", async () => {
  const silent = () => Promise.reject(new Error("no answer"));
  expect(await afterFailure(silent)).toMatchObject({ type: "t3.micro", firstType: "t3.nano" });
});

it("the time in which it was stopped takes nothing of the budget", async () => {
  const hour = 3_600_000;
  const at = (hours: number): string => new Date(Date.now() + hours * hour).toISOString();
  const known = seatRecord({
    targets: ["vps"],
    rentedAt: { kind: "ec2", region: "eu-west-1", address: "203.0.113.9" },
    created: at(-48),
    expires: at(1),
    budget: 0.1,
    vps: { ...vps, stoppedSeconds: 47 * 3600 },
  });
  expect(await planRented(known, { memory: 2 ** 30 })).toMatchObject({ to: { name: "t3.micro" } });
  const ran = { ...known, vps };
  await expect(planRented(ran, { memory: 2 ** 30 })).rejects.toMatchObject({ exitCode: ExitCode.usage });
});
