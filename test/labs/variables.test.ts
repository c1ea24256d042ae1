import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { drawValues, fillIn, unknownNames, variablesSchema } from "../../labs/variables.js";

const vars = variablesSchema.parse({
  port: { int: [20000, 29999] },
  animal: { pick: ["otter", "heron", "lynx"] },
});

describe("a seat's values", () => {
  it("are in range, and the same for the same key", () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: -1000, max: 1000 }),
        fc.integer({ min: 1, max: 50 }),
        (key, low, width) => {
          const drawn = { n: { int: [low, low + width] as [number, number] }, w: { pick: ["a", "b", "c"] } };
          const values = drawValues(drawn, "web", key);
          expect(Number(values.n)).toBeGreaterThanOrEqual(low);
          expect(Number(values.n)).toBeLessThanOrEqual(low + width);
          expect(["a", "b", "c"]).toContain(values.w);
          expect(drawValues(drawn, "web", key)).toEqual(values);
        },
      ),
    );
  });

  it("reach both ends and every word", () => {
    const drawn = Array.from({ length: 300 }, (_, i) =>
      drawValues({ n: { int: [1, 3] }, animal: { pick: ["otter", "heron", "lynx"] } }, "web", String(i)),
    );
    expect(new Set(drawn.map(({ n }) => n))).toEqual(new Set(["1", "2", "3"]));
    expect(new Set(drawn.map(({ animal }) => animal)).size).toBe(3);
  });

  it("differ by lab and by name, as by key", () => {
    const of = (lab: string, key: string) =>
      drawValues({ a: { int: [0, 1e9] }, b: { int: [0, 1e9] } }, lab, key);
    const { a, b } = of("web", "k");
    expect(new Set([a, b, of("web", "l").a, of("other", "k").a]).size).toBe(4);
  });

  it("are as they were published: a change would change every seat's", () => {
    expect(drawValues(vars, "layers", "key")).toEqual({ port: "23777", animal: "heron" });
  });
});

it("fills in variables, and leaves a shell's own alone", () => {
  expect(fillIn("echo ${animal} ${HOME} $port ${port}", { animal: "otter", port: "1" })).toBe(
    "echo otter ${HOME} $port 1",
  );
  expect(unknownNames("${port} ${nope}", vars)).toEqual(["nope"]);
});

it.each([
  [{ port: { int: [5, 5] } }, /LOW below HIGH/],
  [{ port: { int: [1.5, 3] } }, /int/],
  [{ port: {} }, /either int or pick/],
  [{ port: { int: [1, 2], pick: ["a", "b"] } }, /either int or pick/],
  [{ port: { pick: ["one"] } }, /2/],
  [{ port: { pick: ["a", "b; rm"] } }, /letters/],
  [{ PORT: { int: [1, 2] } }, /letter/],
  [{ port: { word: true } }, /word/],
])("refuses %j", (bad, why) => {
  expect(JSON.stringify(variablesSchema.safeParse(bad).error?.issues)).toMatch(why);
});
