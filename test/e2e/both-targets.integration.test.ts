import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { residueOf } from "./residue.js";
import { expectDone, expectDown, expectError, host, machine, openHome, tryHost } from "./support.js";

const LAB = "first-boot";
const home = openHome();
let seat: string;
const ssh = (target: string, ...command: string[]) =>
  home.trilab(["ssh", target, "--seat", seat, "--", ...command]);
const inBoth = async (...command: string[]): Promise<{ container: string; guest: string }> => ({
  container: expectDone(await ssh("container", ...command)).stdout,
  guest: expectDone(await ssh("guest", ...command)).stdout,
});

beforeAll(async () => {
  seat = home.seat("a");
});

describe("a seat with both targets", () => {
  test("up: made from nothing, and in parity", async () => {
    const run = expectDone(await home.trilab(["up", LAB, "--seat", seat, "--json"]));
    const up = JSON.parse(run.stdout);
    expect(up).toMatchObject({ schema: 1, kind: "up", lab: LAB, seat, targets: ["container", "guest"] });
    expect(up.changes).toEqual({ create: 11 });
    const verdicts = Object.fromEntries(
      up.parity.rows.map((r: { id: string; verdict: string }) => [r.id, r.verdict]),
    );
    for (const id of ["cpus", "memory", "swap", "release", "debian", "packages", "clock"])
      expect(verdicts).toMatchObject({ [id]: "match" });
    for (const id of ["kernel", "init", "virtualisation", "memory_usable"])
      expect(verdicts).toMatchObject({ [id]: "nature" });
    expect(up.parity.inTolerance).toBe(true);
  });

  test("two kernels, one Debian, one set of packages", async () => {
    const kernel = await inBoth("uname", "-r");
    expect(kernel.guest).toMatch(/-amd64$/);
    expect(kernel.guest).not.toBe(kernel.container);
    const version = await inBoth("cat", "/etc/debian_version");
    expect(version.guest).toMatch(/^12\.\d+/);
    expect(version.guest).toBe(version.container);
    const packages = await inBoth("dpkg", "-l");
    expect(packages.guest.split("\n").length).toBeGreaterThan(100);
    expect(packages.guest).toBe(packages.container);
  });

  test("ssh hands on the command's arguments and exit code", async () => {
    for (const target of ["container", "guest"]) {
      expect((await ssh(target, "sh", "-c", "exit 42")).exitCode).toBe(42);
      expect(expectDone(await ssh(target, "printf", "%s|", "a b", "$HOME", "it's")).stdout).toBe(
        "a b|$HOME|it's|",
      );
      expect(expectDone(await ssh(target, "id", "-un")).stdout).toBe("lab");
    }
  });

  test("run asks both at once, marks what differs, and ends with the first exit code that is not 0", async () => {
    const run = (...args: string[]) => home.trilab(["run", "--seat", seat, ...args]);
    const kernels = expectDone(await run("--", "uname -s; uname -n")).stdout.split("\n");
    const [container, guest] = [machine(seat, "container"), machine(seat, "guest")];
    expect(kernels[0]).toMatch(/^ {2}container +guest$/);
    expect(kernels[1]).toMatch(/^ {2}Linux +Linux$/);
    expect(kernels[2]).toMatch(new RegExp(`^≠ ${container} +${guest}$`));
    expect(kernels[3]).toBe("1 of 2 lines differs");
    const failed = await run("--json", "--", 'case $HOSTNAME in *guest) printf "\\033[2Jx"; exit 7;; esac');
    expect(failed.exitCode).toBe(7);
    expect(JSON.parse(failed.stdout)).toMatchObject({
      ...{ schema: 1, kind: "run", seat, exitCode: 7, root: false },
      answers: [
        { target: "container", exitCode: 0, stdout: "" },
        { target: "guest", exitCode: 7, stdout: "x" },
      ],
    });
    expect(
      expectDone(await run("--on", "guest", "--root", "--", "printf", "%s|", "a b", "$HOME")).stdout,
    ).toBe("a b|$HOME|");
    expectError(await run("--on", "vps", "--", "true"), 6, /has no vps/, /--on vps/);
    expectError(await home.trilab(["ssh", "--seat", seat]), 2, /several targets/, /trilab ssh container/);
  });

  test("a second up changes nothing, and what the learner wrote is there", async () => {
    await inBoth("sh", "-c", "echo mine > ~/work.txt");
    const again = async () => {
      const run = expectDone(await home.trilab(["up", LAB, "--seat", seat, "--json"]));
      expect(JSON.parse(run.stdout)).toMatchObject({ changes: { same: 11 }, mended: [] });
    };
    const state = () => stat(home.checkpoint(LAB, seat)).then(({ mtimeMs }) => mtimeMs);
    const before = await state();
    await again();
    // All is as it was left: there is nothing for the engine to do, which writes its state whenever it runs.
    expect(await state()).toBe(before);
    await home.forgetDeployment(LAB, seat);
    await again();
    expect(await state()).not.toBe(before);
    expect(await inBoth("sh", "-c", "cat ~/work.txt")).toEqual({ container: "mine", guest: "mine" });
  });

  test("status and parity say the same as the daemons", async () => {
    const { seats } = JSON.parse(expectDone(await home.trilab(["status", "--json"])).stdout);
    expect(seats.map((s: { target: string; state: string }) => [s.target, s.state])).toEqual([
      ["container", "running"],
      ["guest", "running"],
    ]);
    const parity = JSON.parse(expectDone(await home.trilab(["parity", "--seat", seat, "--json"])).stdout);
    expect(parity.facts.container.packages).toBe(parity.facts.guest.packages);
    const hostKernel = (await tryHost("uname", "-r")).all;
    expect(parity.facts.container.kernel).toBe(hostKernel);
    expect(parity.facts.guest.kernel).not.toBe(hostKernel);
  });

  test("parity says what was changed by hand: exit 5", async () => {
    expectDone(
      await home.trilab([
        "ssh",
        "guest",
        "--seat",
        seat,
        "--root",
        "--",
        "dpkg",
        "--force-all",
        "-r",
        "less",
      ]),
    );
    const run = await home.trilab(["parity", "--seat", seat]);
    expect(run.exitCode).toBe(5);
    expect(run.stdout).toMatch(/✗ +package set[^\n]*\n +packages were added, removed or upgraded/);
    expect((await home.trilab(["up", LAB, "--seat", seat])).exitCode).toBe(5);
  });
});

describe("access to the guest", () => {
  const address = async (): Promise<string> => {
    const { seats } = JSON.parse((await home.trilab(["status", "--json"])).stdout);
    return seats.find((s: { target: string }) => s.target === "guest").address;
  };

  test("no password lets anyone in, nor a key that is not the seat's", async () => {
    const options = ["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"];
    const at = await address();
    const password = await tryHost(
      "ssh",
      ...options,
      ...["-v", "-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=0", `lab@${at}`, "true"],
    );
    expect(password.exitCode).toBe(255);
    expect(password.all).toMatch(/Authentications that can continue: publickey\s*$/m);
    expect(password.all).toContain("Permission denied (publickey)");
    const other = await tryHost(
      "ssh",
      ...options,
      "-o",
      "BatchMode=yes",
      "-o",
      "IdentityFile=/nonexistent",
      "-o",
      "IdentitiesOnly=yes",
      `root@${at}`,
      "true",
    );
    expect(other.all).toContain("Permission denied (publickey)");
  });

  test("no other user of the host can read the host key: not in a command line, nor in a file", async () => {
    const name = machine(seat, "guest");
    const [pid] = (await host("pgrep", "-f", `guest=${name},`)).split("\n");
    const command = (await readFile(`/proc/${pid}/cmdline`, "latin1")).replaceAll("\0", " ");
    expect(command).toContain(`file=/var/lib/libvirt/images/trilab/${name}.host-key`);
    const secret = await readFile(home.record(LAB, seat, "host_ed25519"), "utf8");
    for (const form of [secret, Buffer.from(secret).toString("base64")])
      expect(command).not.toContain(form.slice(0, 60).split("\n").at(-1));
    expect(command).not.toContain("host-key=");
    const { mode } = await stat(`/var/lib/libvirt/images/trilab/${name}.host-key`);
    expect((mode & 0o777).toString(8)).toBe("600");
  });

  test("the host key is pinned: another one ends the connection", async () => {
    const record = JSON.parse(await readFile(home.record(LAB, seat), "utf8"));
    expect(record.seat).toBe(seat);
    const knownHosts = home.record(LAB, seat, "known_hosts");
    const before = await readFile(knownHosts, "utf8");
    const hostKey = home.record(LAB, seat, "host_ed25519.pub");
    const right = await readFile(hostKey, "utf8");
    // The file is written anew from the pinned key, so that is what is exchanged: for the user's own public key.
    await writeFile(hostKey, await readFile(home.record(LAB, seat, "id_ed25519.pub"), "utf8"));
    const run = await ssh("guest", "true");
    expect(run.exitCode).toBe(255);
    expect(run.stderr).toMatch(/host key|Host key verification failed/i);
    await writeFile(hostKey, right);
    expectDone(await ssh("guest", "true"));
    expect(await readFile(knownHosts, "utf8")).toBe(before);
  });
});

describe("what is kept", () => {
  test("is its owner's alone", async () => {
    const open: string[] = [];
    for (const entry of await readdir(home.state, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      const { mode } = await stat(path);
      if ((mode & 0o077) !== 0) open.push(`${(mode & 0o777).toString(8)} ${path}`);
    }
    expect(open).toEqual([]);
  });

  test("holds no private key in clear but in the seat's own folder", async () => {
    const bodies = await Promise.all(
      ["host_ed25519", "id_ed25519"].map(async (file) => {
        const text = await readFile(home.record(LAB, seat, file), "utf8");
        // The third line is key material, which no header shares.
        return [text.split("\n")[2] ?? "", Buffer.from(text).toString("base64").slice(120, 180)];
      }),
    );
    for (const entry of await readdir(home.state, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || entry.name.endsWith("_ed25519")) continue;
      const text = await readFile(join(entry.parentPath, entry.name), "utf8");
      for (const needle of bodies.flat()) {
        expect(needle.length).toBeGreaterThan(20);
        expect(text.includes(needle), join(entry.parentPath, entry.name)).toBe(false);
      }
    }
    expect(await readFile(home.checkpoint(LAB, seat), "utf8")).toContain("ciphertext");
  });
});

describe("down", () => {
  test("takes everything away; a seat that is not there is looked for only by its labels", async () => {
    expect((await residueOf(LAB, seat)).length).toBeGreaterThan(5);
    await expectDown(await home.trilab(["down", LAB, "--seat", seat, "--json"]), LAB, seat);
    const again = await home.trilab(["down", LAB, "--seat", seat, "--json"]);
    expectError(again, 6, /there is no seat/, /nothing was touched/, /--by-label/);
    await expectDown(await home.trilab(["down", LAB, "--seat", seat, "--by-label", "--json"]), LAB, seat);
    expect((await tryHost("docker", "inspect", machine(seat, "container"))).exitCode).not.toBe(0);
    const left = await readdir(home.state, { recursive: true });
    expect(left.filter((path) => path.includes(seat) && !path.endsWith(".lock"))).toEqual([]);
  });
});
