import { expect, it } from "vitest";
import { ExitCode } from "../../base/errors.js";
import { accountOf, requireClock } from "../../seats/account.js";
import { seatRecord } from "./record.js";

const at = (account?: string) =>
  seatRecord({
    targets: ["vps"],
    rentedAt: { kind: "ec2", region: "eu-west-1", ...(account ? { account } : {}) },
  });
const state = [
  { type: "trilab:index:CloudVps", outputs: { ownerId: "000000000000" } },
  { type: "aws:ec2/keyPair:KeyPair", outputs: {} },
  { type: "aws:ec2/vpc:Vpc", outputs: { ownerId: "222222222222" } },
];

it("the account is the record's, and an older record's that of what the state knows", () => {
  expect(accountOf(at("111111111111"), state)).toBe("111111111111");
  expect(accountOf(at(), state)).toBe("222222222222");
  expect(accountOf(undefined, state)).toBe("222222222222");
  expect(accountOf(at(), [])).toBeUndefined();
});

it("a clock may differ from AWS's by two minutes, and no more", () => {
  for (const seconds of [0, 120, -120]) expect(() => requireClock(seconds)).not.toThrow();
  const refused = (message: string) => expect.objectContaining({ exitCode: ExitCode.hostNotReady, message });
  expect(() => requireClock(180)).toThrow(refused("this machine's clock is 3m ahead of AWS's"));
  expect(() => requireClock(-7200)).toThrow(refused("this machine's clock is 2h behind AWS's"));
});
