import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { DockerDriver } from "../../drivers/docker/driver.js";
import type { Drivers } from "../../drivers/drivers.js";
import { Ec2Driver } from "../../drivers/ec2/driver.js";
import type { LibvirtDriver } from "../../drivers/libvirt/driver.js";
import { deployedNow, isAsDeployed, keepDeployed } from "../../seats/as-deployed.js";
import type { Deployed } from "../../seats/record-schema.js";
import { readRecord, writeRecord } from "../../seats/seat-record.js";
import type { SeatSettings } from "../../stacks/seat.js";
import { seatRecord } from "./record.js";

const dir = await mkdtemp(join(tmpdir(), "trilab-as-deployed-"));
const record = seatRecord();
const settings = { slot: 3, swapLimit: true, mendContainer: async () => [] } as unknown as SeatSettings;
const daemons = (docker: string | undefined, libvirt: string | undefined): Drivers => ({
  docker: { fingerprint: async () => docker } as unknown as DockerDriver,
  libvirt: { fingerprint: async () => libvirt } as unknown as LibvirtDriver,
});
const container = { urn: "urn:c", type: "docker:index/container:Container", outputs: { hostname: "a" } };
const provider = { urn: "urn:p", type: "pulumi:providers:docker" };

async function writeState(latest: object): Promise<void> {
  const file = join(dir, "trilab/backend/.pulumi/stacks/trilab/trilab-l-s.json");
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify({ version: 3, checkpoint: { latest } }));
}

beforeEach(async () => {
  vi.stubEnv("XDG_STATE_HOME", dir);
  vi.stubEnv("PULUMI_BACKEND_URL", "");
  await writeState({ resources: [container, provider] });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true, force: true });
});

describe("whether an up has anything to do", () => {
  const then = () => deployedNow(record, settings, daemons("d", "l"));

  it("has nothing to do when settings, state and daemons are as they were left", async () => {
    const left = await then();
    expect(left).toMatchObject({ resources: 1, daemons: ["d", "l"] });
    // The record holds it as JSON.
    expect(isAsDeployed(JSON.parse(JSON.stringify(left)), await then())).toBe(true);
  });

  it("has something to do when nothing is known of the last one", async () => {
    expect(isAsDeployed(undefined, await then())).toBe(false);
    expect(isAsDeployed(undefined, undefined)).toBe(false);
  });

  it.each([
    ["the settings", record, { ...settings, slot: 4 }, daemons("d", "l")],
    ["the machines", { ...record, machines: record.machines.slice(1) }, settings, daemons("d", "l")],
    ["what Docker has", record, settings, daemons("other", "l")],
    ["what libvirt has", record, settings, daemons("d", "other")],
  ])("has something to do when there is another value of: %s", async (_, now, wanted, drivers) => {
    expect(isAsDeployed(await then(), await deployedNow(now, wanted, drivers))).toBe(false);
  });

  it("has something to do when the state was edited", async () => {
    const left = await then();
    await writeState({ resources: [{ ...container, outputs: { hostname: "b" } }, provider] });
    expect(isAsDeployed(left, await then())).toBe(false);
  });

  const broken: Drivers = {
    docker: { fingerprint: () => Promise.reject(new Error("gone")) } as unknown as DockerDriver,
  };
  it.each<[string, Drivers]>([
    ["a container does not run", daemons(undefined, "l")],
    ["a guest does not run", daemons("d", undefined)],
    ["a daemon does not answer", broken],
    ["a part is rented", { ec2: [new Ec2Driver({ kind: "ec2", region: "eu-west-1" })] }],
  ])("leaves it to the engine when %s", async (_, drivers) => {
    expect(await deployedNow(record, settings, drivers)).toBeUndefined();
  });

  it("leaves it to the engine when steps are unfinished, or there is no state to read", async () => {
    const pending = { type: "creating", resource: container };
    await writeState({ resources: [container], pending_operations: [pending] });
    expect(await then()).toBeUndefined();
    vi.stubEnv("PULUMI_BACKEND_URL", "s3://bucket");
    expect(await then()).toBeUndefined();
    vi.stubEnv("PULUMI_BACKEND_URL", "");
    await rm(dir, { recursive: true });
    expect(await then()).toBeUndefined();
  });
});

describe("a change that the engine does not make", () => {
  /** What is deployed after a change of what Docker has, from a record that says what was deployed before it. */
  const after = async (deployed: Deployed | undefined): Promise<Deployed | undefined> => {
    await writeRecord({ ...record, ...(deployed ? { deployed } : {}) });
    let docker = "d";
    const drivers = {
      ...daemons("d", "l"),
      docker: { fingerprint: async () => docker } as unknown as DockerDriver,
    };
    const change = async (): Promise<string> => {
      docker = "changed";
      return "done";
    };
    expect(await keepDeployed(record, drivers, change)).toBe("done");
    return (await readRecord(record))?.deployed;
  };

  it("leaves a seat that was as deployed as deployed", async () => {
    const before = await deployedNow(record, settings, daemons("d", "l"));
    expect(await after(before)).toEqual({ ...before, daemons: ["changed", "l"] });
  });

  it("lets the engine look at one that was not", async () => {
    const before = await deployedNow(record, settings, daemons("other", "l"));
    expect(await after(before)).toBeUndefined();
    expect(await after(undefined)).toBeUndefined();
  });
});
