import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asRoot } from "../../base/privilege.js";
import type { ParityReport } from "../../seats/parity.js";
import { type SecondHost, startSecondHost } from "../support/second-host.js";
import { expectDone, expectError, machine, openHome, type Run, until } from "./support.js";

const LAB = "first-boot";

/** The manager of the Swarm, and its other node. */
let one: SecondHost;
let two: SecondHost;
beforeAll(async () => {
  one = await startSecondHost({ daemons: ["docker"] });
  two = await startSecondHost({ daemons: ["docker"], beside: one });
  await one.cable(two);
  await done(one, `docker swarm init --advertise-addr ${one.cableAddress} --listen-addr ${one.cableAddress}`);
  const token = await done(one, "docker swarm join-token --quiet worker");
  await done(
    two,
    `docker swarm join --token ${token} --advertise-addr ${two.cableAddress} ${one.cableAddress}:2377`,
  );
});
let isCutOff = false;
afterAll(async () => {
  if (isCutOff) await cut(false);
  await two?.stop();
  await one?.stop();
});
const home = openHome(() => ({ ...one.env, XDG_CONFIG_HOME: join(home.dir, "config") }));

beforeAll(async () => {
  const folder = join(home.dir, "config/trilab");
  await mkdir(folder, { recursive: true });
  const nodes = [one, two].map((node) => `  ${node.name}: ${node.dockerHost}\n`).join("");
  await writeFile(join(folder, "config.yaml"), `docker: ${one.dockerHost}\nswarm:\n${nodes}`);
});

/** Runs shell commands on a node. @returns what they print. */
async function done(node: SecondHost, script: string): Promise<string> {
  const { exitCode, stdout, stderr } = await node.run(script);
  expect(exitCode, `${script}: ${stderr}`).toBe(0);
  return stdout.trim();
}

/** Everything that a node has of seats, as its own tools list it. */
const hasOn = async (node: SecondHost): Promise<string[]> =>
  (
    await done(
      node,
      `docker ps --all --format 'container {{.Names}}'
       docker volume ls --format 'volume {{.Name}}'
       docker network ls --filter label=trilab.seat --format 'network {{.Name}}'
       if docker node ls >/dev/null 2>&1; then docker service ls --format 'service {{.Name}}'; fi`,
    )
  )
    .split("\n")
    .filter(Boolean);

/** Lets the Swarm use these nodes alone for new containers. What runs on another one is moved. */
const use = (...which: SecondHost[]): Promise<string[]> =>
  Promise.all(
    [one, two].map((node) =>
      done(
        one,
        `docker node update --availability ${which.includes(node) ? "active" : "drain"} ${node.name}`,
      ),
    ),
  );

const inSeat = (seat: string, command: string, ...args: string[]): Promise<Run> =>
  home.trilab([command, "--seat", seat, ...args]);
const ssh = (seat: string, ...command: string[]): Promise<Run> =>
  inSeat(seat, "ssh", "container", "--", ...command);
const up = (seat: string): Promise<Run> =>
  home.trilab(["up", LAB, "--seat", seat, "--on", "container", "--yes", "--json"]);
const down = (seat: string, ...args: string[]): Promise<Run> =>
  home.trilab(["down", LAB, "--seat", seat, "--json", ...args]);

interface Row {
  state: string;
  node?: string;
  homesElsewhere?: string[];
}
async function rowOf(seat: string): Promise<Row | undefined> {
  const run = await inSeat(seat, "status", "--json");
  return run.exitCode === 0 ? JSON.parse(run.stdout).seats[0] : undefined;
}

/** A `down` after which nothing is left, on no node. */
async function expectGone(run: Run, nodes: readonly SecondHost[]): Promise<void> {
  const receipt = JSON.parse(expectDone(run).stdout);
  expect(receipt.residue).toEqual([]);
  expect(receipt.left).toMatchObject({
    container: 0,
    "container network": 0,
    "container home": 0,
    domain: null,
  });
  for (const node of nodes) expect(await hasOn(node)).toEqual([]);
}

describe("a seat whose container is a service of a Swarm", () => {
  let seat: string;

  test("up: the image is on both nodes, and the container on one, with its limits", async () => {
    seat = home.seat("a");
    await use(two);
    const run = JSON.parse(expectDone(await up(seat)).stdout);
    expect(run).toMatchObject({ changes: { create: 5 }, parity: { inTolerance: true } });
    const images = await Promise.all(
      [one, two].map((node) => done(node, "docker images --no-trunc --format '{{.ID}}' trilab/machine")),
    );
    expect(images[0]).toBe(images[1]);
    expect(await rowOf(seat)).toMatchObject({ state: "running", node: two.name });
    const name = machine(seat, "container");
    expect(await hasOn(two)).toEqual([
      expect.stringMatching(`^container ${name}\\.1\\.`),
      `volume ${name}-home`,
      `network ${name}`,
    ]);
    const limits =
      "{{.HostConfig.PidsLimit}} {{json .HostConfig.Ulimits}} {{.HostConfig.CapDrop}} {{.Config.Hostname}}";
    const inspected = await done(two, `docker inspect --format '${limits}' $(docker ps --quiet)`);
    expect(inspected).toBe(`256 [{"Name":"fsize","Hard":4294967296,"Soft":4294967296}] [ALL] ${name}`);
  });

  test("a second up has nothing to do; with the engine, too", async () => {
    const again = JSON.parse(expectDone(await up(seat)).stdout);
    expect(again).toMatchObject({ changes: { same: 5 }, mended: [] });
    await home.forgetDeployment(LAB, seat);
    const engine = JSON.parse(expectDone(await up(seat)).stdout);
    expect(engine).toMatchObject({ changes: { same: 5 }, mended: [] });
  });

  test("ssh, run, cp, logs, parity and check find the container on its node", async () => {
    expect(expectDone(await ssh(seat, "id", "-un")).stdout).toBe("lab");
    expect((await ssh(seat, "exit 7")).exitCode).toBe(7);
    const { answers } = JSON.parse(
      expectDone(await inSeat(seat, "run", "--json", "--", "uname", "-n")).stdout,
    );
    expect(answers).toMatchObject([{ target: "container", stdout: machine(seat, "container") }]);
    const file = join(home.dir, "note.txt");
    await writeFile(file, "kept\n");
    expectDone(await inSeat(seat, "cp", file, "container:note.txt"));
    expect(expectDone(await ssh(seat, "cat", "note.txt")).stdout).toBe("kept");
    expectDone(await inSeat(seat, "logs", "container"));
    const { rows } = JSON.parse((await inSeat(seat, "parity", "--json")).stdout) as ParityReport;
    expect(rows.filter(({ verdict }) => verdict === "wrong")).toEqual([]);
    // Its tasks were looked at, and not solved yet.
    expect((await inSeat(seat, "check", "--json")).exitCode).toBe(4);
    expectDone(await inSeat(seat, "extend", "1h"));
  });

  test("it has no way out of its network, and gets nowhere on its node", async () => {
    // Where the manager listens, and the node's own Docker daemon.
    for (const address of [`${one.cableAddress}/2377`, `${two.address}/2376`])
      expect((await ssh(seat, `exec 3<>/dev/tcp/${address}`)).stderr).toMatch(/Network is unreachable/);
    const routes = expectDone(await ssh(seat, "cat", "/proc/net/route"))
      .stdout.trim()
      .split("\n")
      .slice(1);
    // Its own network; 00000000 would be a default route.
    expect(routes.map((line) => line.split("\t")[1])).toEqual([expect.not.stringMatching(/^0+$/)]);
  });

  test("its main program fails: the Swarm makes it anew on the same node, with its home", async () => {
    const [before = ""] = (await hasOn(two)).filter((line) => line.startsWith("container "));
    await done(two, "docker kill $(docker ps --quiet)");
    await until("another container runs", async () => {
      const names = await done(two, "docker ps --format 'container {{.Names}}'");
      return names !== "" && names !== before;
    });
    await until("it answers", async () => (await ssh(seat, "true")).exitCode === 0);
    expect(expectDone(await ssh(seat, "cat", "note.txt")).stdout).toBe("kept");
    expect(await rowOf(seat)).not.toHaveProperty("homesElsewhere");
  });

  test("up repairs a service that somebody scaled down, or from which somebody took the limits", async () => {
    const name = machine(seat, "container");
    await done(one, `docker service scale --detach ${name}=0`);
    await until("it is down", async () => (await rowOf(seat))?.state !== "running");
    const { mended } = JSON.parse(expectDone(await up(seat)).stdout);
    expect(mended).toEqual([expect.stringMatching(/^container: started, as it was /)]);
    await done(one, `docker service update --quiet --limit-pids 0 ${name}`);
    const again = JSON.parse(expectDone(await up(seat)).stdout);
    expect(again.mended).toEqual(["container: made anew with its limits, which were gone"]);
    const pids = await done(two, "docker inspect --format '{{.HostConfig.PidsLimit}}' $(docker ps --quiet)");
    expect(pids).toBe("256");
    expect(expectDone(await ssh(seat, "cat", "note.txt")).stdout).toBe("kept");
  });

  test("what a service can't do is refused, with another way", async () => {
    const name = ["container", "--seat", seat];
    for (const args of [
      ["stop", ...name],
      ["restart", ...name],
      ["reset", ...name, "--yes"],
      ["resize", ...name, "--memory", "640MiB"],
      ["snapshot", "save", "before", "--on", "container", "--seat", seat],
      ["compare", "--seat", seat, "--quick"],
    ])
      expectError(await home.trilab(args), 2, /service of a Docker Swarm/);
    expect(await rowOf(seat)).toMatchObject({ state: "running", node: two.name });
  });

  test("its node is lost: the Swarm makes it anew on the other one, without the home, and every command finds it", async () => {
    await use(one, two);
    // What is on the node goes on, but nobody hears of it.
    await cut(true);
    await until("it runs on the other node", async () => {
      const row = await rowOf(seat);
      return row?.state === "running" && row.node === one.name;
    });
    expect(await rowOf(seat)).toMatchObject({ homesElsewhere: [two.name] });
    expect(expectDone(await inSeat(seat, "status")).stdout).toContain(
      `running on ${one.name}, without the home that it had on ${two.name}`,
    );
    expect((await ssh(seat, "cat", "note.txt")).exitCode).toBe(1);
    expect(expectDone(await ssh(seat, "uname", "-n")).stdout).toBe(machine(seat, "container"));
    // The next up gives it the seat's end, which it did not know.
    expectDone(await up(seat));
    const left = expectDone(await ssh(seat, "cat", "/var/lib/trilab/expires")).stdout;
    expect(Number(left) * 1000 - Date.now()).toBeGreaterThan(3.5 * 3_600_000);
  });

  test("down while it is lost keeps the seat, because its home may be there; afterwards it leaves nothing", async () => {
    expectError(
      await down(seat),
      3,
      new RegExp(`no answer from the node ${two.name} of the Docker Swarm`),
      /docker node rm/,
    );
    expect(await rowOf(seat)).toMatchObject({ state: "running" });
    await cut(false);
    await until("the node is back", async () =>
      /Ready/.test(await done(one, `docker node ls --filter name=${two.name}`)),
    );
    await expectGone(await down(seat), [one, two]);
  });

  test("its time is up: it ends itself, is not started again, and reap removes it", async () => {
    const short = home.seat("c");
    expectDone(await home.trilab(["up", LAB, "--seat", short, "--on", "container", "--ttl", "1m", "--yes"]));
    await until("it has ended", async () => (await rowOf(short))?.state === "exited", 300_000);
    const { seats } = JSON.parse(expectDone(await home.trilab(["reap", "--json"])).stdout);
    expect(seats).toContainEqual(expect.objectContaining({ seat: short, outcome: "removed" }));
    for (const node of [one, two]) expect(await hasOn(node)).toEqual([]);
  });

  test("a class is spread over the nodes, and leaves nothing", async () => {
    await use(one, two);
    const seats = ["d", "e", "f", "g"].map((letter) => home.seat(letter));
    const nodes = [one, two].map((node) => `      ${node.name}: ${node.dockerHost}\n`).join("");
    const file = join(home.dir, "class.yaml");
    const hosts = `hosts:\n  - name: swarm\n    docker: ${one.dockerHost}\n    swarm:\n${nodes}`;
    await writeFile(file, `name: c${process.pid}\nlab: ${LAB}\ntargets: [container]\n${hosts}`);
    await writeFile(
      join(home.dir, "roster.csv"),
      ["name,email,id", ...seats.map((seat, i) => `Learner ${i},${seat}@example.org,${seat}`)].join("\n"),
    );
    expectDone(await home.trilab(["class", "up", file, "--yes", "--json"]));
    const rows: (Row | undefined)[] = [];
    // One after the other: each command logs in to both nodes, and sshd refuses many at once.
    for (const seat of seats) rows.push(await rowOf(seat));
    expect(rows.map((row) => row?.state)).toEqual(seats.map(() => "running"));
    expect(new Set(rows.map((row) => row?.node))).toEqual(new Set([one.name, two.name]));
    const status = expectDone(await home.trilab(["class", "status", "--json"])).stdout;
    for (const { name } of [one, two]) expect(status).toContain(`${one.dockerHost}, node ${name}`);
    const run = expectDone(await home.trilab(["class", "run", "--", "uname", "-n"])).stdout;
    for (const seat of seats) expect(run).toContain(machine(seat, "container"));
    expectDone(await home.trilab(["class", "down"]));
    for (const node of [one, two]) expect(await hasOn(node)).toEqual([]);
  });

  test("a node that never comes back is removed from the Swarm, and down asks the others", async () => {
    const [other, forgotten] = [home.seat("b"), home.seat("h")];
    await use(two);
    for (const each of [other, forgotten]) {
      expectDone(await up(each));
      expect(await rowOf(each)).toMatchObject({ state: "running", node: two.name });
    }
    await use(one, two);
    await two.stop();
    await until("it runs on the other node", async () => (await rowOf(other))?.node === one.name);
    expectError(await down(other), 3, new RegExp(`no answer from the node ${two.name} of the Docker Swarm`));
    // The other way: what is on the node is forgotten, and the rest is removed.
    const receipt = JSON.parse(expectDone(await down(forgotten, "--host-gone")).stdout);
    expect(receipt).toMatchObject({ residue: [], gone: [{ kind: "docker", host: two.dockerHost }] });
    await done(one, `docker node rm --force ${two.name}`);
    await expectGone(await down(other), [one]);
  });
});

/** Cuts the worker's cable, and this machine's way to it, or mends both. */
async function cut(isCut: boolean): Promise<void> {
  const device = `cable${two.name.replace(/\D/g, "")}`;
  await done(one, `ip link set ${device} ${isCut ? "down" : "up"}`);
  await asRoot("ip", ["route", isCut ? "add" : "del", "unreachable", `${two.address}/32`]);
  isCutOff = isCut;
}
