import { beforeAll, expect, test } from "vitest";
import { MiB } from "../../model/units.js";
import { expectDone, host, machine, openHome, until } from "./support.js";

/** Fills all that a seat can write to on its host, and looks how far it came. */
const LAB = "small";
const DISK = 2048 * MiB;
/** What a container may take above its disk, until its files are counted: they are written at up to a GB in a second. */
const OVERSHOOT = 2048 * MiB;
/** virtlogd's default: a file of this size, and three older ones. */
const LOG_BYTES = 4 * 2 * MiB;

const home = openHome();
let seat: string;

const inside = (target: "container" | "guest", line: string, ...options: string[]) =>
  home.trilab(["ssh", target, "--lab", LAB, "--seat", seat, ...options, "--", line]);
const asRoot = async (target: "container" | "guest", line: string): Promise<string> =>
  expectDone(await inside(target, line, "--root")).stdout;
/** Bytes of all files in the container. */
const taken = async (): Promise<number> =>
  Number.parseInt((await asRoot("container", "du -skxc / /home/* | tail -n 1")).trim(), 10) * 1024;

beforeAll(async () => {
  seat = home.seat("d", LAB);
  const folder = await home.lab(LAB, "machine:\n  disk: 2GiB\n");
  expectDone(await home.trilab(["up", folder, "--seat", seat, "--wait", "10m"]));
  await inside("container", "echo kept >~/kept");
});

test("parity reads the same size in both, and says what keeps the container to it", async () => {
  const { stdout } = expectDone(await home.trilab(["parity", "--lab", LAB, "--seat", seat, "--json"]));
  const { rows } = JSON.parse(stdout) as { rows: { id: string; values: unknown; note: string }[] };
  expect(rows.find(({ id }) => id === "disk")).toMatchObject({
    values: { container: "2GiB", guest: "2GiB" },
    note: expect.stringMatching(
      /^in a container, the kernel refuses files larger than this; a program in the container adds up all files/,
    ),
  });
});

test("no file in the container becomes larger than its disk, and root inside can't change that", async () => {
  // The kernel ends the program with SIGXFSZ.
  const refused = await inside("container", "truncate -s 3G ~/large || echo refused");
  expect(refused.stdout).toMatch(/refused/);
  const line = "ulimit -f unlimited; truncate -s 3G /root/large || echo refused";
  const raised = await inside("container", line, "--root");
  expect(raised.stderr).toMatch(/cannot modify limit/);
  expect(raised.stdout).toMatch(/refused/);
  await asRoot("container", "rm -f /root/large /home/*/large");
});

test("who fills the container is ended; the container goes on, and lets one delete files", async () => {
  const fill =
    "i=0; while dd if=/dev/zero of=$HOME/fill$i bs=1M count=100 && cp $HOME/fill$i /var/tmp/; do i=$((i+1)); done";
  expect((await inside("container", fill)).exitCode).toBe(137);
  expect(await taken()).toBeLessThan(DISK + OVERSHOOT);
  const { stdout } = expectDone(await home.trilab(["logs", "container", "--lab", LAB, "--seat", seat]));
  expect(stdout).toMatch(/the files in this container take \d+ MiB, and its disk has 2048 MiB/);

  expectDone(await inside("container", "sleep 5; rm ~/fill* /var/tmp/fill*"));
  expect(await taken()).toBeLessThan(DISK);
  const again = "dd if=/dev/zero of=$HOME/some bs=1M count=100 && sync && sleep 5 && cat ~/kept";
  expect(expectDone(await inside("container", again)).stdout).toContain("kept");
  const state = await host("docker", "inspect", "-f", "{{.RestartCount}}", machine(seat, "container", LAB));
  expect(state).toBe("0");
});

test("the guest's disk is full at its size", async () => {
  const filled = await inside("guest", "dd if=/dev/zero of=$HOME/fill bs=1M");
  expect(filled.stderr).toMatch(/No space left on device/);
  const file = `/var/lib/libvirt/images/trilab/${machine(seat, "guest", LAB)}.qcow2`;
  const blocks = Number(await host("stat", "-c", "%b", file));
  expect(blocks * 512).toBeGreaterThan(DISK / 2);
  expect(blocks * 512).toBeLessThan(DISK * 1.02);
  expectDone(await inside("guest", "rm ~/fill"));
});

test("the log of the guest's console keeps the newest of what root writes to it", async () => {
  const name = `${machine(seat, "guest", LAB)}.console.log`;
  await asRoot("guest", "timeout 240 sh -c 'yes trilab | head -c 8M; echo the end' >/dev/ttyS0");
  const files = async (): Promise<string[]> =>
    (await host("sh", "-c", `ls /var/lib/libvirt/images/trilab/ | grep -F ${name}`)).split("\n");
  const folder = "/var/lib/libvirt/images/trilab";
  await until("the end", async () =>
    (await host("sh", "-c", `tail -c 100 ${folder}/${name}`)).includes("the end"),
  );
  expect(await files()).toContain(`${name}.0`);
  const sizes = await Promise.all(
    (await files()).map(async (file) => Number(await host("stat", "-c", "%s", `${folder}/${file}`))),
  );
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(LOG_BYTES * 1.05);
});
