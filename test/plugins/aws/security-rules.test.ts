import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changesOf, type Rule, rulesAgree, rulesOf } from "../../../plugins/aws/security-rules.js";

const GROUP = "sg-own";
const rule = (over: Partial<Rule> = {}): Rule => ({
  protocol: "tcp",
  fromPort: 22,
  toPort: 22,
  cidrBlocks: ["203.0.113.7/32"],
  ...over,
});

const anyRule: fc.Arbitrary<Rule> = fc.record(
  {
    protocol: fc.constantFrom("tcp", "udp", "icmp", "-1"),
    fromPort: fc.constantFrom(0, 22, 80),
    toPort: fc.constantFrom(80, 443),
    cidrBlocks: fc.subarray(["10.0.0.0/8", "192.0.2.0/24", "203.0.113.7/32"]),
    ipv6CidrBlocks: fc.subarray(["::/0", "2001:db8::/32"]),
    securityGroups: fc.subarray(["sg-a", "sg-b"]),
    prefixListIds: fc.subarray(["pl-a"]),
    self: fc.boolean(),
    description: fc.constantFrom("", "one", "two"),
  },
  { requiredKeys: ["protocol", "fromPort", "toPort"] },
);
const anyRules = fc.array(anyRule, { maxLength: 5 });

describe("rules of a security group", () => {
  test("what is asked for, told back by AWS, is the same whatever its order and grouping", () => {
    fc.assert(
      fc.property(anyRules, (rules) => {
        const told = changesOf([], rules, GROUP).authorize;
        expect(rulesAgree(rulesOf([...told].reverse(), GROUP), rules)).toBe(true);
      }),
    );
  });

  test("what is taken away and added leads from any rules to any others", () => {
    fc.assert(
      fc.property(anyRules, anyRules, (live, wanted) => {
        const { revoke, authorize } = changesOf(live, wanted, GROUP);
        const key = (item: unknown): string => JSON.stringify(item);
        const gone = new Set(revoke.map(key));
        const after = [
          ...changesOf([], live, GROUP).authorize.filter((item) => !gone.has(key(item))),
          ...authorize,
        ];
        expect(rulesAgree(rulesOf(after, GROUP), wanted)).toBe(true);
        expect(rulesAgree(live, wanted)).toBe(revoke.length + authorize.length === 0);
      }),
    );
  });

  test("names of protocols, and ports of 'all', don't matter; peers, ports and descriptions do", () => {
    expect(rulesAgree([rule({ protocol: "6" })], [rule({ protocol: "TCP" })])).toBe(true);
    const all = { protocol: "-1", fromPort: 0, toPort: 0 };
    expect(rulesAgree([rule(all)], [rule({ ...all, protocol: "all", toPort: 65_535 })])).toBe(true);
    for (const other of [{ toPort: 23 }, { cidrBlocks: ["0.0.0.0/0"] }, { description: "x" }, { self: true }])
      expect(rulesAgree([rule()], [rule(other)])).toBe(false);
  });

  test("as AWS wants them", () => {
    const { revoke, authorize } = changesOf([rule()], [rule({ self: true, description: "me" })], GROUP);
    expect(revoke).toEqual([
      { IpProtocol: "tcp", FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: "203.0.113.7/32" }] },
    ]);
    expect(authorize).toEqual([
      {
        IpProtocol: "tcp",
        FromPort: 22,
        ToPort: 22,
        IpRanges: [{ CidrIp: "203.0.113.7/32", Description: "me" }],
      },
      {
        IpProtocol: "tcp",
        FromPort: 22,
        ToPort: 22,
        UserIdGroupPairs: [{ GroupId: GROUP, Description: "me" }],
      },
    ]);
  });
});
