import { describe, expect, it } from "vitest";
import { instanceType } from "../../model/instance-catalogue.js";
import { machineSpecSchema } from "../../model/machine-spec.js";
import type { Facts } from "../../seats/machine-facts.js";
import { compareFacts } from "../../seats/parity.js";
import type { RentedShape } from "../../seats/rented-shape.js";

const spec = machineSpecSchema.parse({});
const MiB = 2 ** 20;
const container: Facts = {
  kernel: "h",
  system: "Linux",
  hostname: "c",
  debian: "12.11",
  release: "bookworm",
  init: "docker-init",
  virtualisation: "docker",
  boot: "3f1d6a52-0000-4000-8000-000000000001",
  resumed: false,
  clockSource: "tsc",
  cpus: 1,
  cpusVisible: 8,
  memory: 512 * MiB,
  memoryUsable: 512 * MiB,
  memoryVisible: 16_384 * MiB,
  swap: 0,
  disk: 99 * MiB,
  diskLimit: "none",
  packages: "abc",
  services: {},
  packageCount: 142,
  clockOffset: 0,
};
const guest: Facts = {
  ...container,
  kernel: "g",
  init: "systemd",
  virtualisation: "kvm",
  clockSource: "kvm-clock",
  memory: 512 * MiB - 4096,
  memoryUsable: 460 * MiB,
  disk: 4096 * MiB,
  diskLimit: "own",
};

const verdict = (id: string, facts: { container?: Facts; guest?: Facts }) =>
  compareFacts(spec, facts).rows.find((row) => row.id === id);

it("is in tolerance for two machines of one image", () => {
  const report = compareFacts(spec, { container, guest });
  expect(report.inTolerance).toBe(true);
  expect(report.rows.filter((r) => r.verdict === "nature").map((r) => r.id)).toEqual([
    "disk",
    "memory_usable",
    "memory_visible",
    "cpus_visible",
    "kernel",
    "clock_source",
    "init",
    "virtualisation",
  ]);
});

it.each<[string, Partial<Facts>]>([
  ["cpus", { cpus: 2 }],
  ["memory", { memory: 500 * MiB }],
  ["memory", { memory: Number.NaN }],
  ["swap", { swap: 1 }],
  ["release", { release: "trixie" }],
  ["packages", { packages: "abd" }],
  ["debian", { debian: "12.12" }],
  ["clock", { clockOffset: -2.5 }],
  ["clock", { clockOffset: Number.NaN }],
  ["disk", { disk: 8192 * MiB }],
])("finds %s wrong when the guest says %j", (id, change) => {
  const report = compareFacts(spec, { container, guest: { ...guest, ...change } });
  expect(report.inTolerance).toBe(false);
  expect(report.rows.filter((r) => r.verdict === "wrong").map((r) => r.id)).toEqual([id]);
});

it("allows the firmware 1 % of the memory, and no more", () => {
  expect(verdict("memory", { guest: { ...guest, memory: 512 * MiB * 0.991 } })?.verdict).toBe("match");
  expect(verdict("memory", { guest: { ...guest, memory: 512 * MiB * 0.989 } })?.verdict).toBe("wrong");
});

it("shows a clock that is a moment slow as 0.0, and one that is not known as such", () => {
  const shown = (clockOffset: number) => verdict("clock", { guest: { ...guest, clockOffset } })?.values.guest;
  expect([-0.02, 0.04, -1.26, Number.NaN].map(shown)).toEqual(["0.0 s", "0.0 s", "-1.3 s", "NaN s"]);
});

it("names the target that is off", () => {
  expect(verdict("memory", { container: { ...container, memory: 1 }, guest })?.note).toMatch(/^container: /);
});

describe("after a resize", () => {
  const larger = { ...guest, memory: 768 * MiB - 4096, cpus: 2, cpusVisible: 2 };
  const found = (facts: Facts, cpus = 2) =>
    compareFacts(spec, { container, guest: facts }, undefined, { guest: { memory: 768 * MiB, cpus } });
  const row = (id: string, report: ReturnType<typeof found>) => report.rows.find((r) => r.id === id);

  it("holds a target against its present size, and says that it was resized", () => {
    expect(found(larger).inTolerance).toBe(true);
    expect(row("memory", found(larger))).toMatchObject({
      verdict: "nature",
      wanted: "512MiB",
      note: "the guest was resized to 768MiB",
    });
    expect(row("cpus", found(larger))?.note).toBe("the guest was resized to 2");
    expect(row("cpus", found({ ...larger, cpus: 1 }, 1))).toMatchObject({ verdict: "match", note: "" });
  });

  it("finds it wrong when it does not have that size", () => {
    expect(
      found(guest)
        .rows.filter((r) => r.verdict === "wrong")
        .map((r) => r.id),
    ).toEqual(["cpus", "memory"]);
  });
});

describe("beside a VPS", () => {
  const type = instanceType("t3.nano");
  const rented = { cloud: "local" as const, type, disk: 4096 * MiB };
  const vps: Facts = { ...guest, cpus: 2, cpusVisible: 2, packages: "with-cloud-init", packageCount: 190 };
  const report = (change: Partial<Facts> = {}, shape: RentedShape = rented) =>
    compareFacts(spec, { container, guest, vps: { ...vps, ...change } }, shape);
  const verdictOf = (id: string, found: ReturnType<typeof report>) => found.rows.find((r) => r.id === id);

  it("calls a fixed size, and cloud-init, different by nature", () => {
    const found = report();
    expect(found.inTolerance).toBe(true);
    expect(verdictOf("cpus", found)).toMatchObject({
      verdict: "nature",
      note: "an instance type has a fixed size: a t3.nano has 2 vCPUs and 512MiB",
    });
    expect(verdictOf("memory", found)).toMatchObject({ verdict: "match", note: "" });
    expect(verdictOf("packages", found)?.verdict).toBe("nature");
    expect(verdictOf("cpu_sustained", found)).toMatchObject({
      verdict: "nature",
      values: { container: "1", guest: "1", vps: "0.1" },
    });
  });

  it("finds wrong what is not what was rented", () => {
    expect(verdictOf("cpus", report({ cpus: 1 }))).toMatchObject({ verdict: "wrong" });
    expect(verdictOf("memory", report({ memory: 1024 * MiB }))?.note).toMatch(/^vps: /);
    expect(verdictOf("disk", report({ disk: 8192 * MiB }))?.verdict).toBe("wrong");
    expect(verdictOf("debian", report({ debian: "12.1" }))?.verdict).toBe("wrong");
  });

  it("does not excuse the guest's packages by the VPS's", () => {
    const found = compareFacts(spec, { container, guest: { ...guest, packages: "other" }, vps }, rented);
    expect(verdictOf("packages", found)?.verdict).toBe("wrong");
  });

  it("allows a cloud its own image, its larger disk and its hypervisor's memory", () => {
    const aws = { cloud: "aws" as const, type: instanceType("m7i.large"), disk: 8192 * MiB };
    const big = { cpus: 2, memory: 8192 * MiB * 0.96, disk: 8192 * MiB, debian: "12.1" };
    const found = report(big, aws);
    expect(found.inTolerance).toBe(true);
    expect(verdictOf("disk", found)?.note).toMatch(/^a rented disk/);
    expect(verdictOf("cpu_sustained", found)).toBeUndefined();
  });
});

it("compares the size of a container's disk where something keeps its files to it, and says what does", () => {
  const watched: Facts = { ...container, disk: 4096 * MiB, diskLimit: "watched" };
  const row = verdict("disk", { container: watched, guest });
  expect(row).toMatchObject({ verdict: "nature", values: { container: "4GiB", guest: "4GiB" } });
  expect(row?.note).toMatch(
    /^in a container, the kernel refuses files larger than this; a program in the container adds up all files/,
  );
  expect(verdict("disk", { container: { ...watched, disk: MiB }, guest })?.verdict).toBe("wrong");
});

it("says nothing of a container's disk where there is no container", () => {
  expect(verdict("disk", { guest })).toMatchObject({ verdict: "match", note: "" });
});

describe("services", () => {
  const web = { ...spec, services: ["nginx", "cron"] };
  const row = (inContainer: Facts["services"], inGuest: Facts["services"]) =>
    compareFacts(web, {
      container: { ...container, services: inContainer },
      guest: { ...guest, services: inGuest },
    }).rows.find(({ id }) => id === "services");
  const running = { nginx: "running", cron: "running" } as const;

  it("match where all run, and are not spoken of where the lab names none", () => {
    expect(row(running, running)).toMatchObject({ verdict: "match", wanted: "nginx, cron" });
    expect(verdict("services", { container, guest })).toBeUndefined();
  });

  it("are wrong where one does not run or its machine knows of none, with the target's name", () => {
    expect(row({ ...running, cron: "stopped" }, running)).toMatchObject({
      verdict: "wrong",
      values: { container: "nginx, cron stopped", guest: "nginx, cron" },
      note: expect.stringMatching(/^container: not running/),
    });
    expect(row(running, {})).toMatchObject({ verdict: "wrong", note: expect.stringMatching(/^guest:/) });
  });

  it("are to be asked for again while one is starting", () => {
    expect(row(running, { ...running, nginx: "starting" })).toMatchObject({ verdict: "nature" });
  });
});

it("says whom the lab's own keys let in, where it has any", () => {
  const keys = { ...spec, authorizedKeys: ["ssh-ed25519 AAAA me"] };
  const row = compareFacts(keys, { container, guest }).rows.find(({ id }) => id === "authorized_keys");
  expect(row).toMatchObject({
    verdict: "nature",
    values: { container: "none: no SSH server", guest: "1" },
    note: expect.stringContaining("as the user and as root"),
  });
  expect(verdict("authorized_keys", { container, guest })).toBeUndefined();
});
