import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UserError } from "../../base/errors.js";
import { checkImageSpec, type ImageSpec, imageHash, imageSpecProblems, rootHash } from "../../images/spec.js";
import { basePackages } from "../../model/base-packages.js";

const mib = 1024 ** 2;
const spec: ImageSpec = {
  release: "bookworm",
  packages: ["sysbench", "fio"],
  user: "lab",
  diskBytes: 4096 * mib,
};
const packageName = fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{1,20}$/);

describe("imageHash", () => {
  it("is 16 hex digits", () => {
    expect(imageHash(spec)).toMatch(/^[0-9a-f]{16}$/);
    expect(rootHash(spec)).toMatch(/^[0-9a-f]{16}$/);
  });

  it("does not depend on the packages' order or repetition, nor on naming a base package", () => {
    fc.assert(
      fc.property(fc.array(packageName, { maxLength: 8 }), fc.nat(), (packages, turn) => {
        const cut = packages.length === 0 ? 0 : turn % packages.length;
        const turned = [
          ...packages.slice(cut),
          ...packages.slice(0, cut),
          ...packages.slice(0, 2),
          ...Object.keys(basePackages),
        ];
        expect(imageHash({ ...spec, packages: turned })).toBe(imageHash({ ...spec, packages }));
      }),
    );
  });

  it("changes with every field", () => {
    const variants: ImageSpec[] = [
      { ...spec, release: "trixie" },
      { ...spec, packages: ["sysbench"] },
      { ...spec, user: "learner" },
      { ...spec, diskBytes: 8192 * mib },
    ];
    expect(new Set([spec, ...variants].map(imageHash)).size).toBe(variants.length + 1);
  });

  it("changes by services, by their order too, and stays the same where there are none", () => {
    const of = (...services: string[]) => imageHash({ ...spec, services });
    expect(of()).toBe(imageHash(spec));
    expect(new Set([of(), of("nginx"), of("nginx", "cron"), of("cron", "nginx")]).size).toBe(4);
  });

  it("shares the root file system among disk sizes", () => {
    expect(rootHash({ ...spec, diskBytes: 8192 * mib } as ImageSpec)).toBe(rootHash(spec));
  });
});

describe("imageSpecProblems", () => {
  it("finds nothing wrong with a sound spec", () => expect(imageSpecProblems(spec)).toEqual([]));

  it("collects every problem, by path", () => {
    const problems = imageSpecProblems({
      release: "../x",
      packages: ["ok", "-o=x"],
      services: ["nginx", "nginx; reboot"],
      user: "root",
      diskBytes: 5,
    });
    expect(problems.map((problem) => problem.split(":")[0])).toEqual([
      "release",
      "packages[1]",
      "services[1]",
      "user",
      "diskBytes",
    ]);
  });

  it("refuses a login name that Debian has already, as user or as group", () => {
    for (const user of ["daemon", "staff", "sshd", "nogroup"])
      expect(imageSpecProblems({ ...spec, user })).toEqual([expect.stringMatching(/^user: /)]);
  });

  it("throws a usage error", () => {
    expect(() => checkImageSpec({ ...spec, user: "a b" })).toThrow(UserError);
    expect(() => checkImageSpec({ ...spec, user: "a b" })).toThrow(expect.objectContaining({ exitCode: 2 }));
  });
});
