import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ExitCode } from "../../base/errors.js";
import { awsDiskGiB } from "../../model/aws-disk.js";
import {
  INSTANCE_TYPES,
  instanceType,
  instanceTypeFor,
  sustainedCpus,
} from "../../model/instance-catalogue.js";

const MiB = 2 ** 20;
const GiB = 2 ** 30;

describe("the instance catalogue", () => {
  it("names every type once, with a baseline above nothing and not above all", () => {
    expect(new Set(INSTANCE_TYPES.map((t) => t.name)).size).toBe(INSTANCE_TYPES.length);
    for (const type of INSTANCE_TYPES) {
      expect(type.baseline).toBeGreaterThan(0);
      expect(type.baseline).toBeLessThanOrEqual(1);
    }
  });

  it.each([
    [1, 512 * MiB, "t3.nano"],
    [1, 513 * MiB, "t3.micro"],
    [2, 2 * GiB, "t3.small"],
    [2, 8 * GiB, "t3.large"],
    [3, 512 * MiB, "t3.xlarge"],
    [16, 33 * GiB, "m7i.4xlarge"],
  ])("for %i CPUs and %i bytes takes %s", (cpus, memory, name) => {
    expect(instanceTypeFor({ cpus, memory }).name).toBe(name);
  });

  it("takes a type that has what is asked for, and no earlier one has", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 256, max: 32_768 }), (cpus, mib) => {
        const found = instanceTypeFor({ cpus, memory: mib * MiB });
        const meets = (t: typeof found) => t.vcpus >= cpus && t.memory >= mib * MiB;
        expect(INSTANCE_TYPES.findIndex(meets)).toBe(INSTANCE_TYPES.indexOf(found));
      }),
    );
  });

  it("takes the size it is told, if that is large enough", () => {
    expect(instanceTypeFor({ cpus: 1, memory: 512 * MiB }, "m7i.large").name).toBe("m7i.large");
    expect(() => instanceTypeFor({ cpus: 1, memory: GiB }, "t3.nano")).toThrow(/t3\.nano is too small/);
  });

  it("says what is wrong with an unknown or unthinkable one", () => {
    expect(() => instanceType("t3.mirco")).toThrow(
      expect.objectContaining({ fix: 'did you mean "t3.micro"?', exitCode: ExitCode.usage }),
    );
    expect(() => instanceTypeFor({ cpus: 64, memory: GiB })).toThrow(/no instance type/);
  });

  it("knows what a burstable type may use for ever", () => {
    expect(sustainedCpus(instanceType("t3.nano"))).toBe(0.1);
    expect(sustainedCpus(instanceType("m7i.large"))).toBe(2);
  });
});

it.each([
  [1, 8],
  [8 * GiB, 8],
  [8 * GiB + 1, 9],
  [20 * GiB, 20],
])("a disk of %i bytes is %i GiB on AWS", (bytes, gib) => expect(awsDiskGiB(bytes)).toBe(gib));
