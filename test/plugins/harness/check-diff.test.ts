import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { check } from "../../../plugins/harness/check.js";
import { diff } from "../../../plugins/harness/diff.js";
import { defineResource } from "../../../plugins/harness/resource.js";
import { UNKNOWN } from "../../../plugins/harness/values.js";

const schema = z.strictObject({
  name: z.string(),
  size: z.int().optional(),
  live: z.int().optional(),
  tags: z.array(z.strictObject({ key: z.string() })).optional(),
  computed: z.string().optional(),
});
const never = async (): Promise<never> => {
  throw new Error("not called");
};
const thing = defineResource<typeof schema, undefined>({
  token: "toy:index/thing:Thing",
  schema,
  rules: {
    name: { on: "replace" },
    size: { on: "replace", default: 1 },
    live: { on: (_was, becomes) => (becomes === 0 ? "replace" : "update"), default: 0 },
    tags: { on: "replace" },
    computed: { on: "update" },
  },
  computed: ["computed"],
  autoname: "name",
  deleteBeforeReplace: true,
  validate: ({ size, live }) =>
    size !== undefined && live !== undefined && live > size
      ? [{ property: "live", reason: "more than size" }]
      : [],
  create: never,
  read: never,
  delete: never,
});
const plugin = { name: "toy", version: "1.2.3" };
const urn = "urn:pulumi:dev::p::a:b:C$toy:index/thing:Thing::seat";
const run = (news: Parameters<typeof check>[4], olds = {}) => check(thing, plugin, urn, olds, news);

describe("check", () => {
  test("all problems at once, each with its path", () => {
    const { failures } = run({ name: 5, size: 1.5, tags: [{ key: 1, other: "x" }], nope: true });
    expect(failures.map(({ property }) => property).sort()).toEqual([
      "name",
      "nope",
      "size",
      "tags[0].key",
      "tags[0].other",
    ]);
    expect(failures.find(({ property }) => property === "nope")?.reason).toBe(
      "nope is not supported (this is trilab's stand-in for the toy plugin, which refuses what it does not support; " +
        "it supports computed, live, name, size, tags); fix: remove the property, or use the official plugin; " +
        "to install it: pulumi plugin install resource toy v1.2.3",
    );
  });

  test("rules across properties, once the schema is content", () => {
    expect(run({ name: "x", size: 1, live: 2 }).failures).toEqual([
      { property: "live", reason: "more than size" },
    ]);
  });

  test("what isn't known yet passes, but for its name", () => {
    expect(run({ name: UNKNOWN, size: UNKNOWN, live: 2, tags: [{ key: UNKNOWN }] }).failures).toEqual([]);
    expect(run({ name: "x", nope: UNKNOWN }).failures.map(({ property }) => property)).toEqual(["nope"]);
  });

  test("a made-up name is kept, a chosen one is not mistaken for it", () => {
    const first = run({});
    expect(first.inputs).toEqual({ name: expect.stringMatching(/^seat-[0-9a-f]{7}$/), __defaults: ["name"] });
    expect(run({}, first.inputs).inputs.name).toBe(first.inputs.name);
    expect(run({}, { name: "chosen" }).inputs.name).not.toBe("chosen");
    expect(run({ name: "chosen" }, first.inputs).inputs).toEqual({ name: "chosen" });
  });

  test("any unsupported property is refused, whatever else there is", () => {
    const key = fc.stringMatching(/^[a-z][a-zA-Z]{0,12}$/).filter((text) => !(text in schema.shape));
    fc.assert(
      fc.property(
        key,
        fc.jsonValue().filter((value) => value !== null),
        (property, value) => {
          const { failures } = run({ name: "x", [property]: value as string });
          expect(failures.map((failure) => failure.property)).toEqual([property]);
        },
      ),
    );
  });
});

describe("diff", () => {
  const changes = (state: object, old: object, news: object, ignore: string[] = []) =>
    Object.fromEntries(diff(thing, { ...state }, { ...old }, { ...news }, ignore));

  test("replace, update in place, add, remove, ignore", () => {
    const state = { name: "x", size: 2, live: 3, computed: "made" };
    const old = { name: "x", size: 2, live: 3 };
    expect(changes(state, old, old)).toEqual({});
    expect(changes(state, old, { ...old, size: 3 })).toEqual({ size: { change: "update", replace: true } });
    expect(changes(state, old, { ...old, live: 4 })).toEqual({ live: { change: "update", replace: false } });
    expect(changes(state, old, { name: "x", size: 2 })).toEqual({
      live: { change: "delete", replace: true },
    });
    expect(changes(state, old, { ...old, tags: [{ key: "a" }] })).toEqual({
      tags: { change: "add", replace: true },
    });
    expect(changes(state, old, { ...old, size: 3 }, ["size"])).toEqual({});
  });

  test("the daemon's own defaults are no difference; giving one up is", () => {
    expect(changes({ name: "x", computed: "made" }, { name: "x" }, { name: "x" })).toEqual({});
    expect(changes({ name: "x", computed: "a" }, { name: "x", computed: "a" }, { name: "x" })).toEqual({
      computed: { change: "delete", replace: false },
    });
  });

  test("drift shows even where nothing was asked for but the default", () => {
    expect(changes({ name: "x", live: 7 }, { name: "x" }, { name: "x" })).toHaveProperty("live");
  });

  test("unknown is a change; an empty list is none", () => {
    expect(changes({ name: "x" }, { name: "x" }, { name: UNKNOWN })).toEqual({
      name: { change: "update", replace: true },
    });
    expect(changes({ name: "x" }, { name: "x" }, { name: "x", tags: [] })).toEqual({});
  });
});
