import { expect, it } from "vitest";
import { copyName, parseStateUrl, stateUrlProblem } from "../../shared/state-url.js";

it.each([
  ["s3://bucket", { bucket: "bucket", prefix: "" }],
  ["s3://bucket/", { bucket: "bucket", prefix: "" }],
  [
    "s3://my.bucket-1/a/b?region=eu-central-1",
    { bucket: "my.bucket-1", prefix: "a/b/", region: "eu-central-1" },
  ],
  [
    "s3://bucket/a?endpoint=http://127.0.0.1:5000",
    { bucket: "bucket", prefix: "a/", endpoint: "http://127.0.0.1:5000" },
  ],
])("%s is a place", (text, place) => {
  expect(stateUrlProblem(text)).toBeUndefined();
  expect(parseStateUrl(text)).toEqual(place);
});

it.each([
  ["bucket/a", "is no URL"],
  ["gs://bucket/a", "does not begin with s3://"],
  ["s3:///a", "bucket's name"],
  ["s3://UP_PER/a", "bucket's name"],
  ["s3://bucket:1/a", "bucket's name"],
  ["s3://key:secret@bucket/a", "credentials come from"],
  ["s3://bucket/a?profile=x", "has the option profile"],
  ["s3://bucket/a%20b", "other characters"],
  ["s3://bucket/a?endpoint=ftp://x", "endpoint"],
  ["s3://bucket/a#b", "contains a #"],
])("%s is none", (text, why) => {
  expect(stateUrlProblem(text)).toContain(why);
  expect(() => parseStateUrl(text)).toThrow("not the place of a shared state");
});

it("never repeats credentials", () => {
  expect(stateUrlProblem("s3://key:secret@bucket/a")).not.toContain("secret");
});

it("each place has a copy of its own; the region does not matter", () => {
  const name = (text: string): string => copyName(parseStateUrl(text));
  expect(name("s3://bucket/a?region=eu-central-1")).toBe(name("s3://bucket/a"));
  expect(
    new Set(["s3://bucket", "s3://bucket/a", "s3://bucket/b", "s3://bucket/a?endpoint=http://x"].map(name))
      .size,
  ).toBe(4);
});
