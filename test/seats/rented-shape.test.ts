import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { RentedMachine } from "../../drivers/ec2/rented-machine.js";
import { HostCostError } from "../../drivers/machine.js";
import { rentedWords } from "../../model/clouds.js";
import { openEnvironment, openMachine } from "../../seats/open-target.js";
import { rentedShape } from "../../seats/rented-shape.js";
import { makeSeatKeys } from "../../seats/seat-keys.js";
import type { SeatRecord } from "../../seats/seat-record.js";
import { seatRecord } from "./record.js";

const GiB = 2 ** 30;
const seat = { lab: "l", seat: "s" };
const rented = { cloud: "aws" as const, type: "t3.nano", credits: "standard" as const };
const rentedSeat = (address?: string): SeatRecord =>
  seatRecord({
    ...seat,
    slot: 0,
    targets: ["guest", "vps"],
    vps: rented,
    rentedAt: { kind: "ec2", region: "eu-west-1", ...(address ? { address } : {}) },
  });
const record = rentedSeat("203.0.113.9");

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-rented-"));
  // A virsh that must not be asked, and an ssh that says how it was called.
  for (const [name, script] of [
    ["virsh", `echo "$@" >> ${dir}/virsh.log; exit 1`],
    ["ssh", 'printf "%s\\n" "$@"'],
  ] as const) {
    await writeFile(join(dir, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(dir, name), 0o755);
  }
  vi.stubEnv("PATH", `${dir}:${process.env.PATH}`);
  vi.stubEnv("XDG_STATE_HOME", dir);
  await makeSeatKeys(record);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

describe("a VPS rented from AWS", () => {
  it("is reached at its public address, past no hypervisor of ours, by the pinned key", async () => {
    const { result } = await (await openEnvironment(record, "vps")).firstAnswer(["true"], { root: true }, 0);
    const words = result.stdout.split("\n");
    expect(words).toContain("root@203.0.113.9");
    expect(words).toContain("StrictHostKeyChecking=yes");
    expect(words.filter((word) => word.startsWith("ProxyCommand"))).toEqual([]);
    const known = await readFile(join(dir, "trilab/seats/l/s/known_hosts"), "utf8");
    expect(known.split("\n").map((line) => line.split(" ")[0])).toEqual(["10.213.0.18", "203.0.113.9", ""]);
    await expect(readFile(join(dir, "virsh.log"), "utf8")).rejects.toThrow();
  });

  it("can't be reached before it has an address", async () => {
    await expect(openEnvironment(rentedSeat(), "vps")).rejects.toThrow(/not known yet/);
  });

  it("shows its host's side to nobody", async () => {
    const machine = await openMachine(record, "vps");
    expect(machine).toBeInstanceOf(RentedMachine);
    const hidden = [
      machine.memory(),
      machine.disk(),
      machine.cpuSeconds(),
      machine.diskFree(),
      machine.stop(),
      machine.size(),
      machine.resize({ cpus: 1 }, async () => ({ exitCode: 0, stdout: "", stderr: "" })),
      machine.clone(1, new AbortController().signal),
    ];
    for (const work of hidden) await expect(work).rejects.toBeInstanceOf(HostCostError);
    expect(await machine.pin([0])).toBeUndefined();
  });
});

it("a rehearsed VPS is reached like a guest, in the seat's third network", async () => {
  const here = seatRecord({
    ...seat,
    slot: 0,
    targets: ["guest", "vps"],
    vps: { ...rented, cloud: "local" },
  });
  const endpoint = { kind: "libvirt", uri: "qemu+ssh://ann@elsewhere:2222/system" } as const;
  const local = { ...here, machines: here.machines.map((machine) => ({ ...machine, endpoint })) };
  const { stdout } = await (await openEnvironment(local, "vps")).exec(["true"]);
  expect(stdout.split("\n")).toEqual(
    expect.arrayContaining([
      "lab@10.213.0.34",
      "ProxyCommand=ssh -p 2222 -o BatchMode=yes -W [%h]:%p -- ann@elsewhere",
    ]),
  );
  expect(stdout).not.toContain("KexAlgorithms");
  const emulated = await openEnvironment({ ...local, accelerator: "tcg" }, "vps");
  expect((await emulated.exec(["true"])).stdout.split("\n")).toContain("KexAlgorithms=^ecdh-sha2-nistp256");
  expect((await openMachine(local, "vps")).target).toBe("vps");
});

it("a VPS's shape is its type's; AWS's disks hold Debian's image at least", () => {
  expect(rentedShape({ disk: GiB })).toBeUndefined();
  expect(rentedShape(record)).toMatchObject({ cloud: "aws", disk: 8 * GiB, type: { name: "t3.nano" } });
  const local = rentedShape({ ...record, vps: { ...rented, cloud: "local" } });
  expect(local).toMatchObject({ cloud: "local", disk: 4 * GiB });
  expect(rentedWords({ cloud: "local", type: "t3.nano" })).toBe("t3.nano: rehearsal, not a cloud");
  expect(rentedWords({ cloud: "aws", type: "t3.nano" })).toBe("t3.nano from AWS");
});
