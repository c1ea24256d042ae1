import { once } from "node:events";
import { existsSync } from "node:fs";
import { truncate } from "node:fs/promises";
import { execa } from "execa";
import { expect, test } from "vitest";
import { repoDir } from "../../base/paths.js";
import {
  expectDone,
  expectDown,
  goldenPrefix,
  host,
  machine,
  openHome,
  type Run,
  until,
  virsh,
} from "./support.js";

const LAB = "first-boot";
const home = openHome();
const [a, b, c, late, killed] = ["a", "b", "c", "l", "k"].map((letter) => home.seat(letter)) as [
  string,
  string,
  string,
  string,
  string,
];

const inSeat = (seat: string, verb: string, ...args: string[]): Promise<Run> =>
  home.trilab([verb, "--lab", LAB, "--seat", seat, ...args]);
const up = (seat: string, ...args: string[]): Promise<Run> =>
  home.trilab(["up", LAB, "--seat", seat, "--on", "guest", "--resume", "--json", ...args]);
const json = (run: Run) => JSON.parse(expectDone(run).stdout);
/** The parity row that says how a guest came up; `undefined` if it booted. */
const cameUp = (parity: { rows: { id: string; values: object }[] }) =>
  parity.rows.find(({ id }) => id === "start")?.values;
const isResumed = async (seat: string): Promise<boolean> =>
  json(await home.trilab(["status", "--json"])).seats.find((row: { seat: string }) => row.seat === seat)
    .resumed === true;
/** A file in the guest, read as root. */
const inside = async (seat: string, line: string): Promise<string> =>
  expectDone(await inSeat(seat, "ssh", "guest", "--root", "--", line)).stdout.trim();
/** What copies of one memory would share. */
const own = async (seat: string): Promise<string[]> =>
  (
    await inside(
      seat,
      "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key; od -An -N16 -tx1 /dev/random; hostname",
    )
  ).split("\n");
const boot = (seat: string): Promise<string> => inside(seat, "cat /proc/sys/kernel/random/boot_id");

/** The memories of this home's golden guests. */
const memories = async (): Promise<string[]> =>
  (await virsh("vol-list", "trilab")).match(
    new RegExp(`\\S+/${goldenPrefix(home.state)}\\w+\\.memory`, "g"),
  ) ?? [];

test("two guests of one memory: labelled, in parity, each with an identity of its own", async () => {
  for (const seat of [a, b]) {
    const brought = json(await up(seat));
    expect(brought.parity.inTolerance).toBe(true);
    expect(cameUp(brought.parity)).toEqual({ guest: "resumed" });
    expect(await isResumed(seat)).toBe(true);
    expect(await inside(seat, "cat /sys/class/net/eth0/address")).toBe(
      (await virsh("domiflist", machine(seat, "guest"))).match(/52:54:\S+/)?.[0],
    );
    expect(Number(await inside(seat, "cat /var/lib/trilab/expires"))).toBe(
      Date.parse(brought.expires) / 1000,
    );
  }
  expect(await boot(a)).toBe(await boot(b));
  const [first, second] = [await own(a), await own(b)];
  expect(first.filter((line) => second.includes(line) && !line.startsWith("-----"))).toEqual([
    // The key file's frame: the name of its format.
    ...first.filter((line) => line.startsWith("b3BlbnNzaC1rZXktdjE") && second.includes(line)),
  ]);
  expect(await virsh("vol-list", "trilab")).not.toContain(".resumed.memory");
});

test("up again changes nothing; a snapshot keeps the memory; a restart boots, and the label is gone", async () => {
  expect(json(await up(a)).changes).toEqual({ same: expect.any(Number) });
  expectDone(await inSeat(a, "snapshot", "save", "s"));
  const restored = expectDone(await inSeat(a, "snapshot", "restore", "s", "-y"));
  expect(restored.stderr).not.toContain("started from its saved disk");
  expect(await isResumed(a)).toBe(true);
  const before = await boot(a);
  expectDone(await inSeat(a, "restart", "guest"));
  expect(await isResumed(a)).toBe(false);
  expect(await boot(a)).not.toBe(before);
  expect(cameUp(json(await inSeat(a, "parity", "--json")))).toBeUndefined();
});

test("compare boots a resumed guest before it measures", async () => {
  const run = json(await inSeat(b, "compare", "--quick", "--probes", "disk", "--json"));
  expect(run.targets).toEqual(["guest"]);
  expect(cameUp(run.parity)).toBeUndefined();
  expect(await isResumed(b)).toBe(false);
});

test("a golden guest that is damaged is made anew", async () => {
  const [memory = "", ...others] = await memories();
  expect(others).toEqual([]);
  await truncate(memory, 30_000_000);
  const brought = await up(c);
  expect(brought.stderr).toContain("the golden guest can't be used; it is made again");
  expect(cameUp(json(brought).parity)).toEqual({ guest: "resumed" });
  expect(Number(await host("stat", "-c", "%s", memory))).toBeGreaterThan(30_000_000);
});

/** Plans a seat, waits for a line, and brings it up as planned. */
const PLANNED = `
  import { once } from "node:events";
  const from = (file) => import(${JSON.stringify(`${repoDir}/dist/`)} + file);
  const [{ planSeat }, { bringUp }, { LOCAL }] = await Promise.all(["seats/plan.js", "seats/up.js", "model/endpoint.js"].map(from));
  const endpoints = { docker: LOCAL.docker, libvirt: LOCAL.libvirt };
  const plan = await planSeat({ lab: "first-boot", seat: process.argv[1], targets: ["guest"], endpoints });
  console.log(plan.existing === undefined ? "new" : "there");
  await once(process.stdin, "data");
  for await (const _ of bringUp(plan, { waitMs: 300_000, resume: true }));
  process.exit();
`;

test("a guest that another command made since the plan is not replaced", async () => {
  const planned = execa(process.execPath, ["--input-type=module", "-e", PLANNED, late], {
    env: { XDG_STATE_HOME: home.dir },
    reject: false,
  });
  expect(String((await once(planned.stdout, "data"))[0]).trim()).toBe("new");
  json(await up(late));
  await inside(late, "echo work > /root/work");
  planned.stdin.write("go on\n");
  const { exitCode, stderr } = await planned;
  expect(exitCode, stderr).toBe(0);
  expect(await inside(late, "cat /root/work")).toBe("work");
});

test("killed while it resumes: the next up boots it, and down leaves nothing", async () => {
  const run = home.start(["up", LAB, "--seat", killed, "--on", "guest", "--resume", "--json"]);
  await until("the journal", async () => existsSync(home.record(LAB, killed, "changing-guest.json")));
  run.kill("SIGKILL");
  await run.ended;
  const brought = json(await up(killed));
  expect(brought.parity.inTolerance).toBe(true);
  expect(cameUp(brought.parity)).toBeUndefined();
  for (const seat of [a, b, c, late, killed])
    await expectDown(await home.trilab(["down", LAB, "--seat", seat, "--json"]), LAB, seat);
});
