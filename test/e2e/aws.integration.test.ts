import { chmod, mkdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tagged } from "../plugins/aws/support.js";
import { type Moto, startMoto } from "../support/moto.js";
import { expectDone, expectError, openHome } from "./support.js";

const LAB = "first-boot";
const home = openHome();
let moto: Moto;
let env: Record<string, string>;

/** Nobody is behind moto's public addresses, and nothing of the real Internet may be asked in their place. */
const SSH = `#!/bin/sh
echo 'ssh: connect to host: Connection refused' >&2
exit 255
`;

beforeAll(async () => {
  moto = await startMoto();
  const bin = join(home.dir, "bin");
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, "ssh"), SSH);
  await chmod(join(bin, "ssh"), 0o755);
  env = {
    ...moto.env,
    PATH: [bin, process.env.PATH].join(delimiter),
    TRILAB_SSH_FROM: "203.0.113.7",
    // A seat that is only rented needs neither daemon.
    TRILAB_DOCKER_HOST: "unix:///nowhere/docker.sock",
    TRILAB_LIBVIRT_URI: "qemu+unix:///system?socket=/nowhere/libvirt.sock",
  };
}, 300_000);
afterAll(() => moto?.stop());

const trilab = (...args: string[]) => home.trilab(args, env);
const up = (seat: string, ...args: string[]) =>
  trilab("up", LAB, "--seat", seat, "--on", "vps", "--cloud", "aws", "--wait", "1s", ...args);
const down = (seat: string, ...args: string[]) => trilab("down", LAB, "--seat", seat, "--json", ...args);

/** How many things of a seat AWS has, by kind. */
const things = (seat: string) => tagged(moto.client, seat);
const total = async (seat: string): Promise<number> =>
  Object.values(await things(seat)).reduce((sum, count) => sum + count, 0);

describe("a seat that is only rented", () => {
  const seat = `t${process.pid}a`;

  test("up rents it all; that nobody answers SSH is told in time, and the seat stays", async () => {
    const run = await up(seat);
    expectError(run, 1, /vps trilab-\S+ does not answer SSH/, /Connection refused/, /--ssh-from/);
    expect(await things(seat)).toMatchObject({ instances: 1, vpcs: 1, groups: 1, keys: 1, volumes: 1 });
    expect(expectDone(await trilab("status")).stdout).toMatch(/vps \(t3\.nano from AWS\)/);
  });

  test("down takes it all away, and again finds nothing", async () => {
    expectDone(await down(seat));
    expect(await total(seat)).toBe(0);
    expectDone(await down(seat));
  });
});
