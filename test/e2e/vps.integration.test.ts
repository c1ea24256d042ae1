import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { optionPath } from "../../drivers/libvirt/ssh-options.js";
import { openAws } from "./aws-support.js";
import { openHostServices } from "./host-services.js";
import { residueOf } from "./residue.js";
import { expectDone, expectDown, expectError, host, openHome, tryHost, virsh } from "./support.js";

const LAB = "three";
const wish = (machine: string): string => `machine: ${machine}\ntargets: [container, guest, vps]\n`;
const NO_ACCOUNT = { HOME: "/nowhere", AWS_PROFILE: "", AWS_ACCESS_KEY_ID: "", AWS_REGION: "" };
const home = openHome();
const aws = openAws(home);
const services = openHostServices();
let seat: string;
let lab: string;
const ssh = (...args: string[]) => home.trilab(["ssh", "vps", "--seat", seat, ...args]);
const upJson = async (...args: string[]) =>
  JSON.parse(expectDone(await home.trilab(["up", lab, "--seat", seat, "--json", ...args])).stdout);

beforeAll(async () => {
  seat = home.seat("v", LAB);
  lab = await home.lab(LAB, wish("{ cpus: 1, memory: 512MiB, disk: 4GiB }"));
});

test("a machine that costs money is not had without an account, and nothing is made", async () => {
  const run = await home.trilab(["up", lab, "--seat", seat, "--on", "vps", "--cloud", "aws"], NO_ACCOUNT);
  expect(run.exitCode).toBe(3);
  expect(run.stderr).toMatch(/no AWS credentials[\s\S]*--cloud local/);
  expect(await residueOf(LAB, seat)).toEqual([]);
});

describe("a seat with all three targets", () => {
  test("up: the VPS is a rehearsal and says so, and all are in parity", async () => {
    const up = await upJson("--on", "container,guest,vps");
    expect(up.targets).toEqual(["container", "guest", "vps"]);
    expect(up.changes).toEqual({ create: 16 });
    expect(up.vps).toMatchObject({ cloud: "local", type: "t3.nano", credits: "standard" });
    expect(up.parity.inTolerance).toBe(true);
    const row = (id: string) => up.parity.rows.find((r: { id: string }) => r.id === id);
    expect(row("cpus")).toMatchObject({
      verdict: "nature",
      values: { container: "1", guest: "1", vps: "2" },
    });
    expect(row("memory")).toMatchObject({ verdict: "match" });
    expect(row("debian")).toMatchObject({ verdict: "match" });
    expect(row("packages").note).toMatch(/cloud-init/);
  });

  test("a second up changes nothing, and says again that it is no cloud", async () => {
    await home.forgetDeployment(LAB, seat);
    const run = expectDone(await home.trilab(["up", lab, "--seat", seat]));
    expect(run.stdout).toMatch(/nothing changed/);
    expect(run.stdout).toMatch(/rehearsal, not a cloud/);
    expect(expectDone(await home.trilab(["status"])).stdout).toMatch(
      /vps \(t3\.nano: rehearsal, not a cloud\)/,
    );
  });

  test("cloud-init made it the learner's: name, user, keys, and no errors", async () => {
    expect(expectDone(await ssh("--", "id", "-un")).stdout).toBe("lab");
    expect(expectDone(await ssh("--root", "--", "id", "-un")).stdout).toBe("root");
    expect(expectDone(await ssh("--", "hostname")).stdout).toBe(`trilab-${LAB}-${seat}-vps`);
    const status = expectDone(await ssh("--root", "--", "cloud-init", "status", "--wait", "--long")).stdout;
    expect(status).toMatch(/status: done/);
    expect(status).toMatch(/DataSourceNoCloud/);
    const errors = await ssh(
      "--root",
      "--",
      "grep",
      "-cE",
      "ERROR|CRITICAL|Traceback",
      "/var/log/cloud-init.log",
    );
    expect(errors.stdout).toBe("0");
  });

  test("it ends itself when the seat's time is up, and its time can be moved", async () => {
    const { expires } = JSON.parse(await readFile(home.record(LAB, seat), "utf8"));
    const end = async () => expectDone(await ssh("--", "cat", "/var/lib/trilab/expires")).stdout;
    expect(await end()).toBe(String(Math.floor(Date.parse(expires) / 1000)));
    expectDone(await ssh("--root", "--", "systemctl", "is-active", "trilab-lifetime.timer"));
    expectDone(await home.trilab(["extend", "1h", "--seat", seat]));
    expect(await end()).toBe(String(Math.floor(Date.parse(expires) / 1000) + 3600));
  });

  test("no password opens it, and its host key is the one that was made for it", async () => {
    const settings = expectDone(await ssh("--root", "--", "sshd", "-T")).stdout;
    expect(settings).toMatch(/^passwordauthentication no$/m);
    expect(settings).toMatch(/^permitrootlogin (without-password|prohibit-password)$/m);
    const shown = expectDone(await ssh("--root", "--", "cat", "/etc/ssh/ssh_host_ed25519_key.pub")).stdout;
    const pinned = (await tryHost("cat", home.record(LAB, seat, "known_hosts"))).all;
    expect(pinned).toContain(shown.split(" ")[1]);
    const seed = await stat(`/var/lib/libvirt/images/trilab/trilab-${LAB}-${seat}-vps.seed.iso`);
    expect((seed.mode & 0o777).toString(8)).toBe("600"); // the key is in it
  });

  test("no service of this host answers it, and no metadata", async () => {
    const { seats } = JSON.parse((await home.trilab(["status", "--json"])).stdout);
    const { address } = seats.find((s: { target: string }) => s.target === "vps");
    const at = Object.values(services.addresses(address));
    expect(await Promise.all(at.map((a) => services.askHere(a)))).toEqual(at.map(() => "hello"));
    const from = async (...command: string[]) => (await ssh("--", ...command)).stdout;
    expect(await Promise.all(at.map((a) => services.ask(a, from)))).toEqual(at.map(() => ""));
  });

  test("one that was switched off or removed by hand comes back", async () => {
    const domain = `trilab-${LAB}-${seat}-vps`;
    await virsh("destroy", domain);
    expect((await upJson()).changes).toEqual({ same: 16 });
    await virsh("destroy", domain);
    await virsh("undefine", domain);
    expect((await upJson()).changes).toMatchObject({ create: 1 });
    expect(expectDone(await ssh("--", "id", "-un")).stdout).toBe("lab");
  });

  test("memory and keys changed in lab.yaml: container and guest get them, disks and the rented machine stay", async () => {
    const key = join(home.dir, "more");
    await host("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key);
    const more = (await readFile(`${key}.pub`, "utf8")).trim();
    const inGuest = (...command: string[]) => home.trilab(["ssh", "guest", "--seat", seat, "--", ...command]);
    const write = "echo mine > ~/work.txt"; // not synced: an orderly shutdown writes it
    expectDone(await inGuest("sh", "-c", write));
    expectDone(await ssh("--", "sh", "-c", write));
    const rentedId = await virsh("domid", `trilab-${LAB}-${seat}-vps`);
    await home.lab(
      LAB,
      wish(`{ cpus: 1, memory: 448MiB, disk: 4GiB, authorizedKeys: [${JSON.stringify(more)}] }`),
    );
    const run = expectDone(await home.trilab(["up", lab, "--seat", seat, "--json"]));
    expect(run.stderr).toMatch(/-guest is restarted.*memory 512MiB → 448MiB; keys.*its disk is kept/);
    const { changes, parity } = JSON.parse(run.stdout);
    expect(changes).toMatchObject({ replace: 1 });
    expect(parity.rows.find((r: { id: string }) => r.id === "memory").values).toMatchObject({
      container: "448MiB",
      vps: expect.stringMatching(/^51\d/),
    });
    expect(expectDone(await inGuest("cat", "work.txt")).stdout).toBe("mine");
    expect(await virsh("domid", `trilab-${LAB}-${seat}-vps`)).toBe(rentedId);
    const { seats } = JSON.parse(expectDone(await home.trilab(["status", "--json"])).stdout);
    const { address } = seats.find((s: { target: string }) => s.target === "guest");
    const options = [
      `IdentityFile=${optionPath(key)}`,
      `UserKnownHostsFile=${optionPath(home.record(LAB, seat, "known_hosts"))}`,
      "BatchMode=yes",
    ].flatMap((option) => ["-o", option]);
    expect(await host("ssh", "-F", "none", ...options, `lab@${address}`, "cat", "work.txt")).toBe("mine");
    const again = await upJson();
    expect(Object.keys(again.changes)).toEqual(["same"]);
  });

  test("down: nothing of it is left", async () => {
    await expectDown(await home.trilab(["down", LAB, "--seat", seat, "--json"]), LAB, seat);
  });
});

describe("a container here and a VPS at AWS", () => {
  test("come up together, are left alone by a second up, and go together", async () => {
    const [LAB, mixed] = ["first-boot", home.seat("m")];
    const { TRILAB_DOCKER_HOST: _, ...env } = aws.env;
    const trilab = (command: string, ...args: string[]) =>
      home.trilab([command, "--seat", mixed, ...args], env);
    const up = () =>
      trilab("up", LAB, "--on", "container,vps", "--cloud", "aws", "--wait", "1s", "--json", "-y");

    expectError(await up(), 1, /the vps .* does not answer SSH/);
    expect(expectDone(await trilab("ssh", "container", "--", "id", "-un")).stdout).toBe("lab");
    expect(await aws.things(mixed)).toMatchObject({ instances: 1, groups: 1 });
    const again = await aws.answering(mixed, up);
    // What answers in the VPS's place is this machine, which is in parity with nothing.
    expect(again.exitCode, again.stderr).toBe(5);
    expect(Object.keys(JSON.parse(again.stdout).changes)).toEqual(["same"]);

    const down = JSON.parse(expectDone(await trilab("down", LAB, "--json")).stdout);
    expect(down.residue).toEqual([]);
    expect(await aws.total(mixed)).toBe(0);
    expect(await residueOf(LAB, mixed)).toEqual([]);
  });
});
