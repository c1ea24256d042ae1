import { describe, expect, it } from "vitest";
import { cloudNotes, emulationNote } from "../../cli/rented.js";
import { instanceType } from "../../model/instance-catalogue.js";

const plain = (text: string): string => text;
const style = { bold: plain, dim: plain, good: plain, bad: plain, warn: plain };
const shape = (cloud: "aws" | "local") => ({ cloud, type: instanceType("t3.nano"), disk: 1 });

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
