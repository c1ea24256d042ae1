import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { keyOf, sealWith } from "../../shared/seal.js";

const key = randomBytes(32);

it("opens what it sealed, under the same name only", () => {
  const sealed = sealWith(key).seal("units/a", "text ü");
  expect(sealed.toString("latin1")).not.toContain("text");
  expect(sealWith(key).open("units/a", sealed)).toBe("text ü");
  expect(sealWith(key).open("units/b", sealed)).toBeUndefined();
  expect(sealWith(randomBytes(32)).open("units/a", sealed)).toBeUndefined();
});

it("does not open what was changed or cut off", () => {
  const sealed = sealWith(key).seal("a", "text");
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(sealWith(key).open("a", changed)).toBeUndefined();
    expect(sealWith(key).open("a", sealed.subarray(0, at))).toBeUndefined();
  }
});

it("the same text is sealed differently each time", () => {
  expect(sealWith(key).seal("a", "text").equals(sealWith(key).seal("a", "text"))).toBe(false);
});

it("a passphrase gives one key with each salt", async () => {
  const salt = randomBytes(16);
  const first = await keyOf("a long passphrase", salt);
  expect(first.equals(await keyOf("a long passphrase", salt))).toBe(true);
  expect(first.equals(await keyOf("another passphrase", salt))).toBe(false);
  expect(first.equals(await keyOf("a long passphrase", randomBytes(16)))).toBe(false);
});

it("derives one secret for each purpose", () => {
  expect(sealWith(key).derive("pulumi")).toBe(sealWith(key).derive("pulumi"));
  expect(sealWith(key).derive("pulumi")).not.toBe(sealWith(key).derive("other"));
});
