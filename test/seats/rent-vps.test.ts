import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ExitCode } from "../../base/errors.js";
import { imageHash } from "../../images/spec.js";
import { parseLab } from "../../labs/load-lab.js";
import { LOCAL } from "../../model/endpoint.js";
import { hostedImages } from "../../seats/image-specs.js";
import { chooseCloud, rent } from "../../seats/rent-vps.js";
import { driversAt, endpointOf } from "../../seats/seat-drivers.js";
import { seatRecord } from "./record.js";

const clock = vi.hoisted(() => ({ ahead: 0 }));
vi.mock("../../drivers/ec2/caller.js", () => ({
  caller: async () => ({ account: "123456789012", clockAhead: clock.ahead }),
}));

const lab = (vps = "{}") => parseLab(`name: l\ntitle: T\nsummary: S\nvps: ${vps}\n`, "f");
const AWS = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

beforeEach(() => {
  vi.stubEnv("HOME", "/nowhere");
  for (const name of [...AWS, "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"]) vi.stubEnv(name, "");
});
afterEach(() => vi.unstubAllEnvs());
const withCredentials = () => {
  for (const name of AWS) vi.stubEnv(name, "x");
};

describe("who rents the VPS out", () => {
  it("is the local hypervisor unless somebody says otherwise, credentials or not", async () => {
    expect(await chooseCloud(undefined, { lab: lab() })).toBe("local");
    withCredentials();
    expect(await chooseCloud(undefined, { lab: lab() })).toBe("local");
    expect(await chooseCloud(undefined, { lab: lab("{ cloud: aws }"), cloud: "local" })).toBe("local");
  });

  it("is AWS when lab or user say so; auto only with credentials", async () => {
    expect(await chooseCloud(undefined, { lab: lab("{ cloud: auto }") })).toBe("local");
    withCredentials();
    expect(await chooseCloud(undefined, { lab: lab("{ cloud: auto }") })).toBe("aws");
    expect(await chooseCloud(undefined, { lab: lab(), cloud: "aws" })).toBe("aws");
  });

  it("is nobody when AWS is wanted without credentials", async () => {
    await expect(chooseCloud(undefined, { lab: lab(), cloud: "aws" })).rejects.toMatchObject({
      exitCode: ExitCode.hostNotReady,
    });
  });

  it("stays who it is", async () => {
    const existing = { cloud: "local" as const, type: "t3.nano", credits: "standard" as const };
    expect(await chooseCloud(existing, { lab: lab("{ cloud: aws }") })).toBe("local");
    expect(await chooseCloud(existing, { lab: lab(), cloud: "auto" })).toBe("local");
    await expect(chooseCloud(existing, { lab: lab(), cloud: "aws" })).rejects.toMatchObject({
      exitCode: ExitCode.usage,
    });
    const local = seatRecord({ targets: ["vps"], vps: existing });
    expect(await rent(local, { lab: lab("{ size: t3.large }") }, 1)).toEqual({ rented: existing });
    const endpoint = { kind: "ec2", region: "eu-west-1" } as const;
    const rented = { ...existing, cloud: "aws" as const, learner: "203.0.113.7/32" };
    const aws = seatRecord({ targets: ["vps"], vps: rented, rentedAt: endpoint });
    expect(await rent(aws, { lab: lab() }, 1)).toEqual({ rented, endpoint });
    const moved = await rent(aws, { lab: lab(), sshFrom: "203.0.113.8" }, 1);
    expect(moved).toEqual({ rented: { ...rented, learner: "203.0.113.8/32" }, endpoint });
  });
});

describe("what is rented", () => {
  const GiB = 2 ** 30;
  it("at a rehearsal is the type, and an image of its own", async () => {
    const { rented, endpoint } = await rent(undefined, { lab: lab() }, 4 * GiB);
    expect(endpoint).toBeUndefined();
    const { machine } = lab();
    expect(rented).toEqual({
      cloud: "local",
      type: "t3.nano",
      credits: "standard",
      image: imageHash({
        release: "bookworm",
        packages: [...machine.packages, "cloud-init"],
        user: "lab",
        diskBytes: 4 * GiB,
      }),
    });
  });

  it("from AWS is all that the program needs, asked once", async () => {
    withCredentials();
    const request = {
      lab: lab("{ region: eu-central-1, size: t3.small, spot: true }"),
      cloud: "aws" as const,
    };
    expect(await rent(undefined, { ...request, sshFrom: "203.0.113.7" }, 4 * GiB)).toEqual({
      rented: {
        cloud: "aws",
        type: "t3.small",
        credits: "standard",
        network: "own",
        spot: true,
        learner: "203.0.113.7/32",
      },
      endpoint: { kind: "ec2", region: "eu-central-1", account: "123456789012" },
    });
  });
});

it("a VPS is at its region, or at the seat's own libvirt", () => {
  const chosen = { ...LOCAL, libvirt: { kind: "libvirt", uri: "qemu+ssh://b/system" } as const };
  const region = { kind: "ec2", region: "eu-west-1" } as const;
  expect(endpointOf("vps", undefined, LOCAL, region)).toBe(region);
  expect(endpointOf("vps", undefined, chosen, undefined)).toBe(chosen.libvirt);
  // A seat's machines stay together, whatever is chosen by now.
  expect(endpointOf("vps", seatRecord({ targets: ["guest"] }), chosen, undefined)).toEqual(LOCAL.libvirt);
  expect(endpointOf("container", seatRecord({ targets: ["guest"] }), chosen, undefined)).toBe(LOCAL.docker);
  expect(driversAt([region]).docker).toBeUndefined();
  expect(driversAt([region, region]).ec2?.map((driver) => driver.region)).toEqual(["eu-west-1"]);
});

it("needs an image for container and guest, one for a rehearsal, none for a rented machine", () => {
  const packages = (targets: Parameters<typeof hostedImages>[1], cloud: "aws" | "local" | undefined) =>
    hostedImages(lab("{}").machine, targets, cloud).map(({ spec }) => spec.packages.includes("cloud-init"));
  expect(packages(["container", "guest"], undefined)).toEqual([false]);
  expect(packages(["container", "guest", "vps"], "local")).toEqual([false, true]);
  expect(packages(["vps"], "local")).toEqual([true]);
  expect(packages(["vps"], "aws")).toEqual([]);
  expect(packages(["guest", "vps"], "aws")).toEqual([false]);
});
