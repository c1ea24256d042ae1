import fc from "fast-check";
import { expect, test } from "vitest";
import {
  hasUnknown,
  noSecrets,
  openSecrets,
  redact,
  same,
  sealSecrets,
  UNKNOWN,
} from "../../../plugins/harness/values.js";

const secret = (value: unknown) => ({
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  value,
});

test("a secret anywhere in a property makes the whole property one again on the way back", () => {
  const secrets = noSecrets();
  const bag = openSecrets({ envs: ["A=1", secret("PASS=hunter22")], name: "x", none: null }, secrets);
  expect(bag).toEqual({ envs: ["A=1", "PASS=hunter22"], name: "x" });
  expect(sealSecrets({ ...bag, extra: undefined }, secrets)).toEqual({
    envs: secret(["A=1", "PASS=hunter22"]),
    name: "x",
  });
  expect(redact("daemon said: PASS=hunter22 is bad", secrets)).toBe("daemon said: [secret] is bad");
});

test("unknowns are found at any depth", () => {
  expect(hasUnknown({ a: [{ b: UNKNOWN }] })).toBe(true);
  expect(hasUnknown({ a: [{ b: "x" }] })).toBe(false);
});

test("opening and sealing gives back any bag", () => {
  const value = fc.jsonValue().filter((item) => item !== null);
  fc.assert(
    fc.property(fc.dictionary(fc.string(), value, { noNullPrototype: true }), (bag) => {
      const safe = Object.fromEntries(Object.entries(bag).filter(([key]) => key !== "__proto__"));
      const secrets = noSecrets();
      expect(same(sealSecrets(openSecrets(safe, secrets), secrets), safe)).toBe(true);
      expect(secrets.keys.size).toBe(0);
    }),
  );
});
