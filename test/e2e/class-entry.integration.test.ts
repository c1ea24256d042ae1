import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectDone, host, machine, openHome, type Running, tryHost, until } from "./support.js";

const LAB = "first-boot";
const home = openHome();
const [a, b, c] = [home.seat("a"), home.seat("b"), home.seat("c")];
let [dir, cards] = ["", ""];
let port = 0;
let door: Running;

const OPTIONS = "-F none -i id_ed25519 -o UserKnownHostsFile=known_hosts -o BatchMode=yes".split(" ");

/** A network namespace with a cable to this host: a learner's computer. */
const OUTSIDE = `lrn${process.pid}`;
const [HOST, LEARNER] = ["10.98.77.1", "10.98.77.2"];

/** One learner comes in from outside, as a person does who has only the card. */
const comeIn = async (seat: string, login: string, args: readonly string[], input = "") => {
  const result = await execa(
    "ip",
    [
      ...["netns", "exec", OUTSIDE, "ssh", ...OPTIONS, "-p", String(port)],
      ...[...args.slice(0, -1), `${login}@${HOST}`, ...args.slice(-1)],
    ],
    {
      cwd: join(cards, seat),
      env: { SSH_AUTH_SOCK: "" },
      input,
      reject: false,
      timeout: 120_000,
    },
  );
  return { code: result.exitCode, out: result.stdout, said: result.stderr };
};

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "entry-"));
  const roster = join(dir, `entry-${process.pid}.csv`);
  await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "own", "-f", join(dir, "own")]);
  const own = (await readFile(join(dir, "own.pub"), "utf8")).trim();
  await writeFile(
    roster,
    `name,id,targets,ssh key\nA <i> [x](javascript:y) ![z](https://example.org/z),${a},container guest,\nB,${b},container,\nC,${c},container,${own}\n`,
  );
  const up = await home.trilab(["class", "up", "--roster", roster, "-y", "--json"]);
  expect(JSON.parse(expectDone(up).stdout).seats).toMatchObject(
    [a, b, c].map((seat) => ({ seat, state: "up" })),
  );
  await host("ip", "netns", "add", OUTSIDE);
  await host("ip", "link", "add", OUTSIDE, "type", "veth", "peer", "name", "eth0", "netns", OUTSIDE);
  await host("ip", "address", "add", `${HOST}/30`, "dev", OUTSIDE);
  await host("ip", "link", "set", OUTSIDE, "up");
  await host("ip", "-n", OUTSIDE, "address", "add", `${LEARNER}/30`, "dev", "eth0");
  await host("ip", "-n", OUTSIDE, "link", "set", "eth0", "up");
  port = await freePort();
  cards = join(dir, "cards");
  expectDone(await home.trilab(["class", "cards", cards, "--host", HOST, "--port", String(port)]));
  door = home.start(["class", "serve", "--listen", `${HOST}:${port}`]);
  await until("the door is open", () => accepts(port));
});
afterAll(async () => {
  door?.kill("SIGINT");
  await door?.ended;
  expect(await accepts(port)).toBe(false);
  await tryHost("ip", "netns", "delete", OUTSIDE);
  await rm(dir, { recursive: true, force: true });
});

describe("a learner with a card", () => {
  test.each(["container", "guest"] as const)(
    "runs a command in the %s, with its input, output and exit code",
    async (target) => {
      const line = "cat; hostname; id -un; pwd; echo problem >&2; exit 7";
      expect(await comeIn(a, `${a}.${target}`, [line], "typed\n")).toEqual({
        code: 7,
        out: `typed\n${machine(a, target)}\nlab\n/home/lab`,
        said: expect.stringContaining("problem"),
      });
    },
  );

  test.each(["container", "guest"])("copies files to and from the %s", async (target) => {
    await writeFile(join(dir, "out"), `for the ${target}\n`);
    const scp = (...words: string[]) =>
      execa("ip", ["netns", "exec", OUTSIDE, "scp", ...OPTIONS, "-P", String(port), ...words], {
        cwd: join(cards, a),
      });
    await scp(join(dir, "out"), `${a}.${target}@${HOST}:there`);
    await scp(`${a}.${target}@${HOST}:there`, join(dir, "back"));
    expect(await readFile(join(dir, "back"), "utf8")).toBe(`for the ${target}\n`);
  });

  test("has a card as a page, with nothing in it that the roster's names could have put there", async () => {
    const page = await readFile(join(cards, a, "card.html"), "utf8");
    expect(page).toContain(`${a}.guest@${HOST}`);
    expect(page).toContain("A &lt;i&gt; [x](javascript:y) ![z](https://example.org/z)");
    expect(page).not.toMatch(/<a |<img |<i>/);
    expect(page).toMatch(/<svg[\s\S]*<figcaption>ssh:/);
  });

  test("with a key of their own uses that, and the card brings none", async () => {
    expect((await readdir(join(cards, c))).sort()).toEqual(["card.html", "card.md", "known_hosts"]);
    expect(await comeIn(c, c, ["-i", join(dir, "own"), "hostname"])).toMatchObject({
      code: 0,
      out: machine(c, "container"),
    });
    // The seat's key, which is the instructor's, does not open the entry.
    const kept = home.record(LAB, c, "id_ed25519");
    expect(await comeIn(c, c, ["-i", kept, "-o", "IdentitiesOnly=yes", "hostname"])).toMatchObject({
      code: 255,
    });
  });

  test("chooses a machine on a terminal, and must name one without", async () => {
    const asked = await comeIn(a, a, ["hostname"]);
    expect(asked).toMatchObject({ code: 2, said: expect.stringContaining(`ssh ${a}.guest@`) });
    const shell = execa("ssh", [...OPTIONS, "-tt", "-p", String(port), `${a}@${HOST}`], {
      cwd: join(cards, a),
      reject: false,
    });
    let heard = "";
    shell.stdout.on("data", (chunk) => {
      heard += String(chunk);
    });
    await until("the choice", async () => heard.includes("Which machine?"));
    shell.stdin.write("2\r");
    await until("the guest's shell", async () => heard.includes("$"));
    shell.stdin.write("hostname; exit 3\r");
    expect((await shell).exitCode).toBe(3);
    expect(heard).toContain(machine(a, "guest"));
    // A seat with one machine leads there.
    expect((await comeIn(b, b, ["hostname"])).out).toBe(machine(b, "container"));
  });

  test("who goes away leaves nothing running", async () => {
    const sleeps = async () => (await comeIn(b, b, ["pgrep -xcf 'sleep 4712'; :"])).out;
    const gone = execa("ssh", [...OPTIONS, "-tt", "-p", String(port), `${b}@${HOST}`, "exec sleep 4712"], {
      cwd: join(cards, b),
      reject: false,
    });
    await until("it sleeps", async () => (await sleeps()) === "1");
    gone.kill("SIGKILL");
    await until("it was ended", async () => (await sleeps()) === "0");
  });
});

describe("an attacker with a learner's key", () => {
  test.each([
    ["another learner's seat", () => a],
    ["another learner's guest", () => `${a}.guest`],
    ["root", () => "root"],
    ["a seat outside the class", () => "nobody"],
    ["a machine that is none", () => `${b}.host`],
    ["a path", () => `../${b}`],
    ["more than a name", () => `${b}.container.guest`],
  ])("does not come in as %s", async (_, login) => {
    expect(await comeIn(b, login(), ["id"])).toMatchObject({
      code: 255,
      out: "",
      said: expect.stringMatching(/Permission denied/),
    });
  });

  test("nor with a password, or with a key of another kind", async () => {
    const key = join(dir, "rsa");
    await execa("ssh-keygen", ["-q", "-t", "rsa", "-N", "", "-f", key]);
    const result = await execa(
      "ssh",
      [
        "-F",
        "none",
        "-i",
        key,
        "-o",
        "IdentitiesOnly=yes",
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "BatchMode=yes",
        "-p",
        String(port),
        `${b}@${HOST}`,
        "id",
      ],
      { reject: false, cwd: dir, env: { SSH_AUTH_SOCK: "", HOME: dir } },
    );
    expect(result).toMatchObject({
      exitCode: 255,
      stderr: expect.stringMatching(/Permission denied \(publickey\)/),
    });
  });

  test("gets no way on: no forwarding, no agent, no variables, no other subsystem", async () => {
    const target = createServer((socket) => socket.end("secret"));
    await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
    const inner = (target.address() as AddressInfo).port;
    expect(await comeIn(b, b, ["-W", `127.0.0.1:${inner}`, "-N"])).toMatchObject({ code: 255, out: "" });
    expect(
      (await comeIn(b, b, ["-o", "ExitOnForwardFailure=yes", "-R", `0:127.0.0.1:${inner}`, "-N"])).code,
    ).toBe(255);
    target.close();
    const variables = await comeIn(b, b, ["-o", "SetEnv=LD_PRELOAD=/tmp/x", "env"]);
    expect(variables.out).not.toContain("LD_PRELOAD");
    expect(variables.out).not.toContain("SSH_AUTH_SOCK");
    expect((await comeIn(b, b, ["-s", "netconf"])).code).not.toBe(0);
  });

  test("sees a machine, and nothing of the host", async () => {
    const own = await comeIn(b, b, [
      `cat /proc/1/comm; ls -d ${JSON.stringify(home.state)} ${dir} 2>&1 | grep -c 'No such file'`,
    ]);
    expect(own.out.split("\n").at(-1)).toBe("2");
  });

  test("and what is on record of a session is who, where and how long", async () => {
    await comeIn(b, b, ["echo my-secret-words"]);
    door.kill("SIGINT");
    const { stderr } = await door.ended;
    expect(stderr).not.toContain("my-secret-words");
    expect(stderr).toMatch(new RegExp(`^\\S+Z ${b} container begins$`, "m"));
    expect(stderr).toMatch(new RegExp(`^\\S+Z ${b} container ends after \\d+ s$`, "m"));
  });
});

test("down of the class, and nothing is left", async () => {
  expectDone(await home.trilab(["class", "down"]));
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port: free } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return free;
}

const accepts = (at: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(at, HOST);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
