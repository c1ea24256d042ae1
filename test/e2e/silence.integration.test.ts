import { readFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectDone, expectDown, expectError, openHome, partsOf, until } from "./support.js";

const LAB = "first-boot";
const home = openHome();

/** This machine's libvirt behind a socket that can stop relaying, as libvirtd does when it hangs: connections stay open. */
let relay: Server;
let uri: string;
let isSilent = false;
const sockets = new Set<Socket>();
beforeAll(async () => {
  const path = join(home.dir, "libvirt.sock");
  uri = `qemu+unix:///system?socket=${encodeURIComponent(path)}`;
  relay = createServer((near) => {
    const far = connect("/var/run/libvirt/libvirt-sock");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("data", (data) => isSilent || to.write(data));
      from.on("error", () => {});
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((listening) => relay.listen(path, listening));
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  relay.close();
});

test("libvirt falls silent while the engine works: up ends and names it, and the next up goes on", async () => {
  const seat = home.seat("q");
  const args = ["up", LAB, "--seat", seat, "--on", "guest", "--libvirt", uri];
  const silenced = home.start(args);
  await until("the engine's first steps", async () => {
    const text = await readFile(home.checkpoint(LAB, seat), "utf8").catch(() => "");
    return text.includes('"libvirt:index/network:Network"');
  });
  isSilent = true;
  expectError(await silenced.ended, 3, /libvirt at qemu\+unix\S+ has stopped answering/, /the state is kept/);
  isSilent = false;
  for (const part of ["engine", "libvirt plugin"] as const) expect(await partsOf(home, part)).toEqual([]);
  expectDone(await home.trilab(args));
  await expectDown(await home.trilab(["down", LAB, "--seat", seat, "--json"]), LAB, seat);
});
