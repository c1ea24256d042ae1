import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { silent } from "../../base/progress.js";
import { connect, type Drivers } from "../../drivers/drivers.js";
import { CHECKS } from "../../hosts/checks.js";
import { FIREWALL, setScript } from "../../hosts/firewall-rules.js";
import {
  bootUnit,
  forgetIsolation,
  keepSeatsApart,
  seatsAreApart,
  takenForSeats,
} from "../../hosts/set-firewall.js";
import * as daemons from "../../hosts/start-daemons.js";
import { LOCAL } from "../../model/endpoint.js";

vi.mock("../../hosts/start-daemons.js", async (original) => ({
  ...(await original<typeof daemons>()),
  hasSystemd: vi.fn(() => false),
}));

// The temporary folder belongs to who runs the test, and this test only plays another user.
vi.mock("../../base/scratch.js", () => ({
  inScratchFolder: async (name: string, body: (dir: string) => Promise<void>) =>
    body(await mkdtemp(join(folder, `${name}-`))),
}));

/** Every command of these tests is a stand-in: this user is not root, and what is done as root goes through its sudo. */
let folder: string;
let server: Server | undefined;
/** A Docker daemon of this machine, whose socket is in the test's folder. */
const local = () => ({
  docker: connect({ kind: "docker", host: `unix://${folder}/docker.sock` }),
});

const standIn = async (name: string, script: string): Promise<void> => {
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, name), 0o755);
};
/** sudo writes down what it is asked to do, each call in a line that one write adds, as several run at once; `save` is the script that answers for iptables-save. */
const sudo = (save: string): Promise<void> =>
  standIn(
    "sudo",
    `printf "%s\\n" "$(echo "$*" | tr -s "\\n" " ")" >>"${folder}/log"\ncase "$*" in *-save*) ${save} ;; esac`,
  );
const STANDS = `case "$*" in *ip6tables*) cat "${"$"}{0%/*}/ip6tables.rules" ;; *) cat "${"$"}{0%/*}/iptables.rules" ;; esac`;
const NONE = "echo '*mangle'";
const UNKNOWN = 'echo "sudo: a password is required" >&2; exit 1';
/** What iptables-save prints when the script has run. */
const rulesOf = (program: string): string => {
  const [, chain = ""] = setScript().split(new RegExp(`^${program}-restore.*$`, "m"));
  const hooks = FIREWALL.find((set) => set.program === program)?.hooks ?? [];
  return [chain.split("\nEND")[0], ...hooks.map((hook) => `-A ${hook.join(" ")}`), ""].join("\n");
};
const done = async (): Promise<string> => readFile(join(folder, "log"), "utf8").catch(() => "");

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "trilab-isolation-"));
  vi.stubEnv("PATH", `${folder}${delimiter}${process.env.PATH}`);
  vi.spyOn(process, "getuid").mockReturnValue(1000);
  for (const name of ["iptables", "iptables-save", "ip6tables-save", "docker", "virsh"])
    await standIn(name, "exit 0");
  for (const { program } of FIREWALL) await writeFile(join(folder, `${program}.rules`), rulesOf(program));
  await standIn("systemctl", "exit 3");
});
afterEach(async () => {
  server?.close();
  server = undefined;
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  vi.mocked(daemons.hasSystemd).mockReturnValue(false);
  await rm(folder, { recursive: true });
});

/** A Docker daemon with these networks. */
async function dockerWith(networks: object[]): Promise<void> {
  server = createServer((_, response) => response.end(JSON.stringify(networks)));
  await new Promise<void>((resolve) => server?.listen(join(folder, "docker.sock"), resolve));
}

test.each([
  ["stands", STANDS, true],
  ["does not stand", NONE, false],
  ["is for root to see", UNKNOWN, undefined],
])("a firewall that %s is known for that", async (_, save, expected) => {
  await sudo(save);
  expect(await seatsAreApart()).toBe(expected);
});

test.each([
  ["a rule less", (rules: string) => rules.replace(/-A TRILAB .*rpfilter.*\n/, "")],
  ["a rule more", (rules: string) => `${rules}-A TRILAB -j RETURN\n`],
  ["another version's rules", (rules: string) => rules.replaceAll(/trilab-\w+/g, "trilab-00000000")],
  ["no way into it", (rules: string) => rules.replace(/-A PREROUTING.*\n/, "")],
  ["nothing between seats' bridges", (rules: string) => rules.replace(/-A FORWARD.*\n/, "")],
])("a firewall with %s does not stand", async (_, damage) => {
  await sudo(STANDS);
  const file = join(folder, "iptables.rules");
  const whole = await readFile(file, "utf8");
  await writeFile(file, damage(whole));
  expect(damage(whole)).not.toBe(whole);
  expect(await seatsAreApart()).toBe(false);
});

test("a kernel's own words for a rule change nothing: what counts are the rule's names", async () => {
  await sudo(STANDS);
  const file = join(folder, "iptables.rules");
  await writeFile(file, (await readFile(file, "utf8")).replaceAll("-p udp", "-p udp -m udp"));
  expect(await seatsAreApart()).toBe(true);
});

test("where only root may look, the boot unit's state tells, if the unit holds these very rules", async () => {
  await sudo(UNKNOWN);
  const unit = join(folder, "unit");
  await writeFile(unit, bootUnit(setScript()));
  expect(await seatsAreApart(unit)).toBe(undefined);
  await standIn("systemctl", "exit 0");
  expect(await seatsAreApart(unit)).toBe(true);
  await writeFile(unit, bootUnit("an older script"));
  expect(await seatsAreApart(unit)).toBe(undefined);
});

test.each([
  ["is missing", NONE],
  ["can't be seen", UNKNOWN],
])("a host whose firewall %s is not ready, and can be mended", async (_, check) => {
  await sudo(check);
  const finding = await CHECKS.find(({ id }) => id === "isolation")?.run(local());
  expect(finding).toMatchObject({ ok: false, repair: expect.any(Function) });
});

test("a host that carries no seats itself needs no firewall", async () => {
  await sudo(NONE);
  const afar = { docker: connect({ kind: "docker", host: "tcp://docker.example:2375" }) };
  const finding = await CHECKS.find(({ id }) => id === "isolation")?.run(afar);
  expect(finding).toMatchObject({ ok: true });
});

test("an interface that only looks like a seat's bridge is found", async () => {
  for (const name of ["eth0", "tlc3b62ffdab69", "tlan0", "tl0123456789abc", "docker0"])
    await writeFile(join(folder, name), "");
  expect((await takenForSeats(folder)).sort()).toEqual(["tl0123456789abc", "tlan0"]);
});

test("the firewall is set by one script, also where nobody could tell whether it stands", async () => {
  await sudo(UNKNOWN);
  await keepSeatsApart(silent, { ask: false });
  const steps = (await done()).split("\n").filter((line) => !line.includes("-save"));
  expect(steps).toEqual([`-n env sh -c ${setScript().replaceAll(/\n+/g, " ")}`, ""]);
});

test("where systemd runs, a unit sets it, now and at every boot", async () => {
  vi.mocked(daemons.hasSystemd).mockReturnValue(true);
  await sudo(NONE);
  await keepSeatsApart(silent);
  const steps = (await done()).split("\n").filter((line) => line !== "" && !line.includes("-save"));
  expect(steps.map((step) => step.trim().replace(/\S*\/(?=trilab)/g, ""))).toEqual([
    "env install -m 644 trilab-seats-apart.service trilab-seats-apart.service",
    "env systemctl daemon-reload",
    "env systemctl enable trilab-seats-apart.service",
    "env systemctl restart trilab-seats-apart.service",
  ]);
});

test("the unit holds the whole script, and comes before what brings seats back", () => {
  const unit = bootUnit("echo 50% a\\b\n\necho end\n").split("\n");
  expect(unit.filter((line) => line.startsWith("StandardInputText="))).toEqual([
    "StandardInputText=echo 50%% a\\\\b",
    "StandardInputText=",
    "StandardInputText=echo end",
  ]);
  expect(unit.find((line) => line.startsWith("Before="))).toMatch(/docker\.service.*libvirtd\.service/);
});

/** Forgets the firewall of a machine whose own daemons are the test's, and whose interfaces are in a folder of the test. */
const forget = (drivers: Drivers) =>
  forgetIsolation(drivers, silent, {
    daemons: [{ kind: "docker", host: `unix://${folder}/docker.sock` }, LOCAL.libvirt],
    interfaces: join(folder, "net"),
  });
const remote = {
  docker: connect({ kind: "docker", host: "ssh://root@lab1" }),
  libvirt: connect({ kind: "libvirt", uri: "qemu+ssh://root@lab1/system" }),
};

test.each([
  ["this machine's are chosen", () => ({ ...local(), libvirt: connect(LOCAL.libvirt) })],
  ["other machines' are chosen", () => remote],
])(
  "the firewall goes when neither of this machine's daemons has a seat's network, and %s",
  async (_, drivers) => {
    await sudo(STANDS);
    await dockerWith([]);
    await forget(drivers());
    expect(await done()).toMatch(/^-n env sh -c .*-X TRILAB/m);
  },
);

describe.each([
  ["Docker has one", () => dockerWith([{ Name: "trilab-lab-alice-container" }])],
  ["Docker does not answer", async () => {}],
  [
    "libvirt has one",
    async () => {
      await dockerWith([]);
      await standIn("virsh", "echo trilab-lab-alice-guest");
    },
  ],
  [
    "libvirt does not answer",
    async () => {
      await dockerWith([]);
      await standIn("virsh", "exit 1");
    },
  ],
  [
    "a seat's bridge is there",
    async () => {
      await dockerWith([]);
      await mkdir(join(folder, "net/tlc3b62ffdab69"), { recursive: true });
    },
  ],
])("the firewall stays when %s", (_, arrange) => {
  test.each([
    ["this machine's daemons", () => ({ ...local(), libvirt: connect(LOCAL.libvirt) })],
    ["other machines' daemons", () => remote],
    ["its own Docker and another's libvirt", () => ({ ...local(), libvirt: remote.libvirt })],
    ["its own libvirt and another's Docker", () => ({ ...remote, libvirt: connect(LOCAL.libvirt) })],
  ])("and %s are chosen", async (_, drivers) => {
    await sudo(STANDS);
    await arrange();
    await forget(drivers());
    expect(await done()).not.toContain("TRILAB");
  });
});
