import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import type { ParityRow } from "../../seats/parity.js";
import { expectDone, expectDown, expectError, host, machine, openHome, until, virsh } from "./support.js";

const LAB = "first-boot";
const MiB = 2 ** 20;
const home = openHome();
let seat: string;

const resize = (target: string, ...args: string[]) =>
  home.trilab(["resize", target, "--seat", seat, ...args]);
const resized = async (target: string, ...args: string[]) =>
  JSON.parse(expectDone(await resize(target, "--json", ...args)).stdout);
const up = async () =>
  JSON.parse(expectDone(await home.trilab(["up", LAB, "--seat", seat, "--json"])).stdout);
const inside = async (target: string, line: string): Promise<string> =>
  expectDone(await home.trilab(["ssh", target, "--seat", seat, "--root", "--", line])).stdout;
const memTotal = async (): Promise<number> =>
  Number(/(\d+) kB/.exec(await inside("guest", "grep MemTotal /proc/meminfo"))?.[1]) / 1024;
const limits = async (): Promise<number[]> => {
  const [info] = JSON.parse(await host("docker", "inspect", machine(seat, "container")));
  return [info.HostConfig.Memory / MiB, info.HostConfig.NanoCpus / 1e9];
};
const sizeInRecord = async (target: string): Promise<unknown> =>
  JSON.parse(await readFile(home.record(LAB, seat), "utf8")).machines.find(
    (each: { target: string }) => each.target === target,
  ).size;
const row = ({ parity }: { parity: { rows: ParityRow[] } }, id: string) =>
  parity.rows.find((each) => each.id === id);

beforeAll(async () => {
  seat = home.seat("z");
  await up();
});

describe("a machine that is resized while it runs", () => {
  let total: number;
  let domain: string;
  /** Of the guest, after it was resized while it ran. */
  let cpus: number;

  test("a container has its new limits at once, and sees them", async () => {
    const { from, inside: seen, to } = await resized("container", "--memory", "768MiB", "--cpus", "1.5");
    expect([from, to]).toEqual([
      { memory: 512 * MiB, cpus: 1 },
      { memory: 768 * MiB, cpus: 1.5 },
    ]);
    expect(seen.after).toEqual(to);
    expect(Object.keys(seen.seconds)).toEqual(["memory", "cpus"]);
    expect(await limits()).toEqual([768, 1.5]);
  });

  test("a guest has more memory without a restart, and CPUs unless it is emulated", async () => {
    total = await memTotal();
    domain = await virsh("domid", machine(seat, "guest"));
    const emulated = (await virsh("dumpxml", machine(seat, "guest"))).includes("<domain type='qemu'");
    cpus = emulated ? 1 : 2;
    if (emulated)
      expectError(
        await resize("guest", "--memory", "768MiB", "--cpus", "2"),
        2,
        /it is emulated/,
        /trilab stop guest/,
      );
    const { inside: seen } = await resized("guest", "--memory", "768MiB", "--cpus", String(cpus));
    expect(Math.round(seen.after.memory / MiB - total)).toBe(256);
    expect(seen.after.cpus).toBe(cpus);
    expect(Math.round((await memTotal()) - total)).toBe(256);
    expect(await inside("guest", "nproc")).toBe(String(cpus));
    expect(await virsh("domid", machine(seat, "guest"))).toBe(domain);
  });

  test("parity compares with the present size, and up keeps it, with and without the engine", async () => {
    for (const forget of [false, true]) {
      if (forget) await home.forgetDeployment(LAB, seat);
      const brought = await up();
      expect(brought).toMatchObject({ changes: { same: 11 }, mended: [], parity: { inTolerance: true } });
      expect(row(brought, "memory")).toMatchObject({
        verdict: "nature",
        values: { container: "768MiB", guest: expect.stringMatching(/^76[78]/) },
        note: expect.stringContaining("the guest was resized to 768MiB"),
      });
    }
    expect(await limits()).toEqual([768, 1.5]);
    expect(await virsh("domid", machine(seat, "guest"))).toBe(domain);
  });

  test("what is too much or too little is refused with its figures, and nothing changes", async () => {
    expectError(await resize("guest", "--memory", "2GiB"), 2, /2GiB is asked for, the limit is 1GiB/);
    expectError(await resize("container", "--cpus", "500"), 3, /500 is asked for, the limit is \d+/);
    expectError(await resize("guest", "--memory", "128MiB"), 2, /at least 256MiB/);
    expectError(await resize("guest", "--cpus", "1.5"), 2, /not a whole number/);
    expectError(await resize("guest"), 2, /nothing to change/);
    const hold = `perl -e '$x = "x" x (320 << 20); open F, ">", "/tmp/held"; close F; sleep 300'`;
    await inside(
      "guest",
      `${hold} </dev/null >/dev/null 2>&1 & until [ -e /tmp/held ]; do sleep 0.1; done; echo $! >/tmp/pid`,
    );
    const refused = await resize("guest", "--memory", "320MiB");
    expectError(refused, 2, /uses more memory than 320MiB/, /in use and can't be freed/, /at least \d+MiB/);
    await inside("guest", "kill $(cat /tmp/pid)");
    expect(await sizeInRecord("guest")).toEqual({ memory: 768 * MiB, ...(cpus === 1 ? {} : { cpus }) });
    expect(await inside("guest", "nproc")).toBe(String(cpus));
  });

  test("a guest has less than its spec by its balloon, and stops using a CPU", async () => {
    const { inside: seen } = await resized("guest", "--memory", "384MiB", "--cpus", "1");
    expect(Math.round(seen.after.memory / MiB - total)).toBe(-128);
    expect(await inside("guest", "nproc")).toBe("1");
    expect(row(await up(), "memory")?.values.guest).toMatch(/^38[34]/);
  });

  test("one that is killed in the middle is finished by the next up", async () => {
    for (const [target, size, check] of [
      ["container", 640, async () => expect((await limits())[0]).toBe(640)],
      ["guest", 896, async () => expect(Math.round((await memTotal()) - total)).toBe(384)],
    ] as const) {
      const running = home.start(["resize", target, "--seat", seat, "--memory", `${size}MiB`]);
      await until("its record", async () =>
        JSON.stringify((await sizeInRecord(target)) ?? "").includes(String(size * MiB)),
      );
      running.kill("SIGKILL");
      await running.ended;
      const brought = await up();
      expect(brought.parity.inTolerance).toBe(true);
      await check();
    }
  });

  test("one that is off has its size when it starts", async () => {
    await virsh("destroy", machine(seat, "guest"));
    await host("docker", "stop", "-t", "0", machine(seat, "container"));
    const run = expectDone(await resize("guest", "--memory", "640MiB", "--cpus", "2"));
    expect(run.stdout).toMatch(/memory: 896MiB → 640MiB\ncpus: 1 → 2\nThe guest is off/);
    expectDone(await resize("container", "--memory", "512MiB", "--cpus", "1"));
    expect(await sizeInRecord("container")).toBeUndefined();
    const brought = await up();
    expect(brought.parity.inTolerance).toBe(true);
    expect(row(brought, "memory")?.values).toMatchObject({
      container: "512MiB",
      guest: expect.stringMatching(/^6(39|40)/),
    });
    expect(row(brought, "cpus")?.values).toEqual({ container: "1", guest: "2" });
    expect(await up()).toMatchObject({ changes: { same: 11 }, mended: [] });
  });

  test("down: nothing of it is left", async () => {
    await expectDown(await home.trilab(["down", LAB, "--seat", seat, "--json"]), LAB, seat);
  });
});
