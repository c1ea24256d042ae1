import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type ReapResult, reap } from "../../seats/reap.js";
import { owner, writeRecord } from "../../seats/seat-record.js";
import { FakeDocker } from "../support/fake-docker.js";
import { seatRecord } from "./record.js";

const name = "trilab-l-lost-container";
const labels = {
  "trilab.lab": "l",
  "trilab.seat": "lost",
  "trilab.owner": owner(),
  "trilab.expires": "2026-01-01T00:00:00.000Z",
};

/** A Docker daemon with one container of a seat whose time was up. */
class Daemon extends FakeDocker {
  has = true;
  /** The status with which it refuses to read the container's files; 0: it falls silent. */
  refuses = 404;

  constructor(socket: string) {
    super(socket, (method, path, response) => {
      const container = { Id: "c", Names: [`/${name}`], State: "exited", Labels: labels };
      if (path.endsWith("/archive")) {
        if (this.refuses === 0) response.destroy();
        else response.writeHead(this.refuses).end("{}");
      } else if (method === "DELETE") {
        this.has = false;
        response.writeHead(204).end();
      } else if (path === "/_ping") response.end("OK");
      else if (path === "/containers/json") response.end(JSON.stringify(this.has ? [container] : []));
      else if (path === "/volumes") response.end('{"Volumes": []}');
      else response.end("[]");
    });
  }
}

let dir: string;
let daemons: [Daemon, Daemon];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-reap-"));
  vi.stubEnv("XDG_STATE_HOME", dir);
  vi.stubEnv("HOME", dir);
  vi.stubEnv("PATH", `${dir}${delimiter}${process.env.PATH}`);
  await writeFile(join(dir, "virsh"), "#!/bin/sh\nexit 1\n");
  await chmod(join(dir, "virsh"), 0o755);
  daemons = [new Daemon(join(dir, "one")), new Daemon(join(dir, "two"))];
  await Promise.all(daemons.map((daemon) => daemon.listen()));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(daemons.map((daemon) => daemon.close()));
  await rm(dir, { recursive: true });
});

/** Reaps seats at the first daemon, and at those of known seats. By default, also those without a record. */
async function reapThem({
  unknown = true,
  notes = [] as string[],
  libvirtUri = "test:///none",
} = {}): Promise<ReapResult> {
  const libvirt = { kind: "libvirt", uri: libvirtUri } as const;
  const chosen = { docker: daemons[0].endpoint, libvirt };
  const events = reap({ unknown, others: false }, { chosen, dryRun: false });
  for (;;) {
    const { done, value } = await events.next();
    if (done) return value;
    if (value.state === "note") notes.push(value.text ?? "");
  }
}

it("a seat is removed by its labels where the daemon refuses to read its end", async () => {
  daemons[0].refuses = 500;
  expect(await reapThem()).toMatchObject({ seats: [{ outcome: "removed" }], notAsked: [] });
  expect(daemons[0].has).toBe(false);
});

it("a seat stays where the daemon falls silent: it may have been extended", async () => {
  daemons[0].refuses = 0;
  const { notAsked, seats } = await reapThem();
  expect(seats).toMatchObject([{ seat: "lost", verdict: "unsure" }]);
  expect(notAsked).toEqual([daemons[0].endpoint]);
  expect(daemons[0].has).toBe(true);
});

it("a chosen daemon on another host that does not answer is reported, without a seat that uses it", async () => {
  const notes: string[] = [];
  const { asked, notAsked } = await reapThem({ libvirtUri: "qemu+ssh://root@lab1/system", notes });
  expect(asked).toEqual([daemons[0].endpoint]);
  expect(notAsked).toEqual([{ kind: "libvirt", uri: "qemu+ssh://root@lab1/system" }]);
  expect(notes).toEqual([expect.stringMatching(/^libvirt at qemu\+ssh:.* was not asked: /)]);
});

it("a daemon of this machine that does not answer is not reported, because it need not have both", async () => {
  const notes: string[] = [];
  expect(await reapThem({ notes })).toMatchObject({ notAsked: [] });
  expect(notes).toEqual([]);
});

it("a seat with parts on two hosts is not reported as removed while one has some", async () => {
  const [, second] = daemons;
  const machines = [
    { target: "container", name: "trilab-l-s-container", endpoint: second.endpoint },
  ] as const;
  await writeRecord(seatRecord({ machines: [...machines] }));
  const lost = async () => (await reapThem()).seats.find(({ seat }) => seat === "lost");
  expect(await lost()).toMatchObject({
    outcome: "left",
    why: expect.stringMatching(/was not asked.*run it again/),
  });
  expect(daemons.filter(({ has }) => has)).toHaveLength(1);
  expect(await lost()).toMatchObject({ outcome: "removed" });
  expect(daemons.filter(({ has }) => has)).toEqual([]);
});

it("a record that can't be read does not make its seat one whose time is up", async () => {
  const file = join(dir, "trilab/seats/l/lost/seat.json");
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, "{");
  const notes: string[] = [];
  const { seats } = await reapThem({ unknown: false, notes });
  expect(seats).toMatchObject([{ seat: "lost", known: false, verdict: "listed" }]);
  expect(daemons[0].has).toBe(true);
  expect(notes).toEqual([
    expect.stringMatching(/^seat lost of lab l is judged by its labels: .*can't be read/),
  ]);
});
