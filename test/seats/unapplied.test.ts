import { expect, test } from "vitest";
import { imageHash } from "../../images/index.js";
import { type Lab, parseLab } from "../../labs/load-lab.js";
import { imageSpecOf } from "../../seats/image-specs.js";
import type { SeatRecord } from "../../seats/seat-record.js";
import { labThenOf, unapplied } from "../../seats/unapplied.js";
import { seatRecord } from "./record.js";

const labOf = (more = ""): Lab => ({
  ...parseLab(`name: web\ntitle: T\nsummary: S\n${more}`, "f"),
  dir: "/labs of mine/web",
});

/** The seat that this lab gives. */
function seatOf(lab: Lab, more: Parameters<typeof seatRecord>[0] = {}): SeatRecord {
  return seatRecord({
    lab: "web",
    seat: "alice",
    labDir: lab.dir,
    created: "2025-12-31T23:59:59.345Z",
    expires: "2026-01-01T03:00:00.000Z",
    targets: [...lab.targets],
    user: lab.machine.user,
    image: imageHash(imageSpecOf(lab.machine)),
    disk: lab.machine.disk,
    labThen: labThenOf(lab),
    ...more,
  });
}

const rented = { cloud: "local", type: "t3.nano", credits: "standard" } as const;
const differing = (lab: Lab, record: SeatRecord) =>
  unapplied(lab, record).map(({ what, lab: wanted, seat }) => [what, wanted, seat]);

test("a seat as its lab says has nothing to tell, whatever the command line chose", () => {
  const lab = labOf("vps: { cloud: auto }");
  expect(unapplied(lab, seatOf(lab))).toEqual([]);
  const chosen = { targets: ["container" as const], expires: "never", vps: rented };
  expect(unapplied(lab, seatOf(lab, chosen))).toEqual([]);
  const inRegion = labOf("vps: { cloud: local, region: us-east-1 }");
  expect(unapplied(inRegion, seatOf(inRegion, { vps: rented }))).toEqual([]);
});

test("what is applied by every up is no difference", () => {
  expect(unapplied(labOf("machine: { cpus: 4, memory: 1GiB }"), seatOf(labOf()))).toEqual([]);
});

test.each([
  ["targets: [container, guest, vps]", ["targets", "container, guest, vps", "container, guest"]],
  ["targets: [container]", ["targets", "container", "container, guest"]],
  ["ttl: 5h", ["ttl", "5h", "3h"]],
  ["ttl: none", ["ttl", "none", "3h"]],
  ["machine: { disk: 8GiB }", ["machine.disk", "8GiB", "4GiB"]],
  ["machine: { user: bob }", ["machine.user", "bob", "lab"]],
  ["vps: { size: t3.large }", ["vps.size", "t3.large", "t3.nano"]],
  ["vps: { credits: unlimited }", ["vps.credits", "unlimited", "standard"]],
  ["vps: { cloud: aws }", ["vps.cloud", "aws", "local"]],
])("%s is told", (yaml, expected) => {
  expect(differing(labOf(yaml), seatOf(labOf(), { vps: rented }))).toEqual([expected]);
});

test("packages are told by the image, and a rented machine's own keys only where there is one", () => {
  expect(differing(labOf("machine: { packages: [nginx] }"), seatOf(labOf()))[0]?.[0]).toMatch(/^image/);
  const lab = labOf("vps: { region: eu-west-1, network: default, spot: true, size: t3.large }");
  expect(unapplied(lab, seatOf(lab))).toEqual([]);
  const vps = { ...rented, cloud: "aws", network: "own", spot: false } as const;
  const at = { targets: ["vps"], rentedAt: { kind: "ec2", region: "us-east-1" } } as const;
  expect(differing(lab, seatOf(lab, { vps, ...at })).map(([what]) => what)).toEqual([
    "vps.size",
    "vps.region",
    "vps.network",
    "vps.spot",
  ]);
});

test("a type that resize gave a rented machine is no change of the lab", () => {
  const vps = { ...rented, type: "t3.micro", firstType: "t3.nano" };
  expect(unapplied(labOf(), seatOf(labOf(), { vps }))).toEqual([]);
  expect(differing(labOf("vps: { size: t3.large }"), seatOf(labOf(), { vps }))).toEqual([
    ["vps.size", "t3.large", "t3.nano"],
  ]);
});

test("an older record is held against the lab itself", () => {
  const { labThen: _, ...record } = seatOf(labOf(), { targets: ["container"] });
  expect(differing(labOf("ttl: 5h"), record)).toEqual([
    ["targets", "container, guest", "container"],
    ["ttl", "5h", "3h"],
  ]);
});

test("the way to apply it names the lab as it is found", () => {
  const [target] = unapplied(labOf("targets: [container, guest, vps]"), seatOf(labOf()));
  expect(target?.apply).toBe("trilab up '/labs of mine/web' --seat alice --on vps");
});
