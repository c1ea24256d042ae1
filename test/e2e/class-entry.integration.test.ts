import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectDone, machine, openHome, type Running, until } from "./support.js";

const LAB = "first-boot";
const home = openHome();
const [a, b] = [home.seat("a"), home.seat("b")];
let [dir, cards] = ["", ""];
let port = 0;
let door: Running;

const OPTIONS = "-F none -i id_ed25519 -o UserKnownHostsFile=known_hosts -o BatchMode=yes".split(" ");

/** One learner comes in, as a person does who has only the card. */
const comeIn = async (seat: string, login: string, args: readonly string[], input = "") => {
  const result = await execa(
    "ssh",
    [...OPTIONS, "-p", String(port), ...args.slice(0, -1), `${login}@127.0.0.1`, ...args.slice(-1)],
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
  await writeFile(roster, `name,id\nA,${a}\nB,${b}\n`);
  expectDone(await home.trilab(["class", "up", "--roster", roster, "-y", "--on", "container"]));
  expectDone(await home.trilab(["up", LAB, "--seat", a, "-y", "--on", "container,guest"]));
  port = await freePort();
  cards = join(dir, "cards");
  expectDone(await home.trilab(["class", "cards", cards, "--host", "127.0.0.1", "--port", String(port)]));
  door = home.start(["class", "serve", "--listen", `127.0.0.1:${port}`]);
  await until("the door is open", () => accepts(port));
});
afterAll(async () => {
  door?.kill("SIGINT");
  await door?.ended;
  expect(await accepts(port)).toBe(false);
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
      execa("scp", [...OPTIONS, "-P", String(port), ...words], { cwd: join(cards, a) });
    await scp(join(dir, "out"), `${a}.${target}@127.0.0.1:there`);
    await scp(`${a}.${target}@127.0.0.1:there`, join(dir, "back"));
    expect(await readFile(join(dir, "back"), "utf8")).toBe(`for the ${target}\n`);
  });

  test("chooses a machine on a terminal, and must name one without", async () => {
    const asked = await comeIn(a, a, ["hostname"]);
    expect(asked).toMatchObject({ code: 2, said: expect.stringContaining(`ssh ${a}.guest@`) });
    const shell = execa("ssh", [...OPTIONS, "-tt", "-p", String(port), `${a}@127.0.0.1`], {
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
    const gone = execa("ssh", [...OPTIONS, "-tt", "-p", String(port), `${b}@127.0.0.1`, "exec sleep 4712"], {
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
        `${b}@127.0.0.1`,
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
    const socket = connect(at, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
