import { describe, expect, it } from "vitest";
import { agreeToRent, priceLine } from "../../cli/agree-to-rent.js";
import { cloudNotes, emulationNote } from "../../cli/machine-notes.js";
import { lineFollow } from "../../cli/show-progress.js";
import { instanceType } from "../../model/instance-catalogue.js";
import type { PriceTable } from "../../model/prices.js";

const plain = (text: string): string => text;
const style = { bold: plain, dim: plain, good: plain, bad: plain, warn: plain };
const shape = (cloud: "aws" | "local") => ({ cloud, type: instanceType("t3.nano"), disk: 1 });

describe("what up says before it rents", () => {
  const table: PriceTable = {
    schema: 1,
    sources: [],
    regions: {
      here: {
        date: "2026-01-02",
        source: "x",
        diskGiBMonth: 0,
        addressHour: 0.5,
        instanceHour: { big: 0.5 },
      },
    },
  };
  const spending = { rental: { region: "here", size: "big", disk: 1 }, seats: 1, ttl: 3 * 3600 };

  it("its price by the hour and until its end", () => {
    expect(priceLine(spending, table)).toBe(
      "This rents a big from AWS in here: $1.00 an hour, $3.00 for 3h, by the list prices of 2026-01-02, without tax and traffic.",
    );
    expect(priceLine({ ...spending, ttl: Number.POSITIVE_INFINITY, unlimited: true }, table)).toMatch(
      /\$1\.00 an hour, without end, .*credits cost more/,
    );
    const elsewhere = { ...spending.rental, region: "there" };
    expect(priceLine({ ...spending, rental: elsewhere }, table)).toMatch(
      /does not know: trilab cost --refresh/,
    );
  });

  it.each([
    [true, undefined, undefined],
    [false, true, undefined],
    [false, false, 1],
    [false, undefined, 2],
  ])("with -y %s and the answer %s: exit %s", async (yes, answer, exitCode) => {
    const told: string[] = [];
    const ctx = {
      json: false,
      style,
      print: plain,
      tell: (line: string) => void told.push(line),
      confirm: async () => answer,
      ask: async () => undefined,
      signal: new AbortController().signal,
      follow: lineFollow(() => {}),
    };
    const ended = await agreeToRent(ctx, spending, yes).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(told.join()).toMatch(/^This rents a big/);
    if (exitCode === undefined) expect(ended).toBe(undefined);
    else expect(ended).toMatchObject({ name: "UserError", exitCode, fix: expect.stringMatching(/-y/) });
  });
});

describe("what up says of a VPS", () => {
  it("that a local one is a rehearsal, and a rented one costs money", () => {
    expect(cloudNotes(shape("local"), style).join()).toMatch(/rehearsal, not a cloud/);
    expect(cloudNotes(shape("aws"), style).join()).toMatch(/costs money/);
    expect(cloudNotes(undefined, style)).toEqual([]);
  });

  it("names those that are emulated: never a rented one", () => {
    expect(emulationNote(["container", "guest"], undefined)).toMatch(/^The guest is .* its CPU figures/);
    expect(emulationNote(["guest", "vps"], shape("local"))).toMatch(
      /^The guest and the VPS are .* their CPU/,
    );
    expect(emulationNote(["guest", "vps"], shape("aws"))).toMatch(/^The guest is /);
    expect(emulationNote(["vps"], shape("local"))).toMatch(/^The VPS is /);
  });
});
