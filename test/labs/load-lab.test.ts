import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ExitCode, UserError } from "../../base/errors.js";
import { repoDir } from "../../base/paths.js";
import { labJsonSchema } from "../../labs/json-schema.js";
import { labNames, labSchema, loadLab, parseLab } from "../../labs/load-lab.js";
import { PROBE_IDS, PROBE_NEEDS } from "../../labs/probe-needs.js";

const MINIMAL = "name: l\ntitle: T\nsummary: S\n";

const ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB2e0nE6lvn3JZQ5k9yOZ1b3o3r7uHqT6m7y4y4y4y4y";
const field = (bytes: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), Buffer.from(bytes)]);
const SECURITY_KEY = `sk-ssh-ed25519@openssh.com ${Buffer.concat(
  ["sk-ssh-ed25519@openssh.com", Buffer.alloc(32, 7), "ssh:"].map(field),
).toString("base64")}`;

/** Ten lines that stand for ten to the ninth. */
const BILLION_LAUGHS = [
  "a0: &a0 [x]",
  ...Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`)}]`),
].join("\n");

/** What is wrong with a lab.yaml, as its reader is told. */
function problems(text: string): string {
  try {
    parseLab(text, "lab.yaml");
  } catch (error) {
    if (error instanceof UserError && error.exitCode === ExitCode.usage) return error.why ?? "";
    throw error;
  }
  throw new Error("it was accepted");
}

describe("lab.yaml", () => {
  it("has a default for all but name, title and summary", () => {
    expect(parseLab(MINIMAL, "f")).toEqual({
      name: "l",
      title: "T",
      summary: "S",
      ttl: 10_800,
      targets: ["container", "guest"],
      machine: {
        cpus: 1,
        memory: 512 * 2 ** 20,
        disk: 4 * 2 ** 30,
        release: "bookworm",
        packages: ["fio", "linux-perf", "sysbench"], // what the probes need
        services: [],
        user: "lab",
        authorizedKeys: [],
      },
      probes: [...PROBE_IDS],
      vars: {},
      tasks: [],
      predict: "invited",
      vps: { cloud: "local", match: "spec", spot: false, credits: "standard", network: "own" },
    });
  });

  it("has a ceiling for resize where it sets one, which is not below the machine's own size", () => {
    const max = (yaml: string) => parseLab(`${MINIMAL}machine: { cpus: 2, max: ${yaml} }\n`, "f").machine.max;
    expect(max("{ memory: 2GiB }")).toEqual({ memory: 2 * 2 ** 30 });
    expect(max("{ cpus: 2 }")).toEqual({ cpus: 2 });
    expect(problems(`${MINIMAL}machine: { cpus: 2, max: { cpus: 1, memory: 256MiB } }`)).toBe(
      "line 4: machine.max.cpus: is 1, less than machine.cpus, 2\nline 4: machine.max.memory: is 256MiB, less than machine.memory, 512MiB",
    );
    expect(problems(`${MINIMAL}machine: { max: { cpu: 1 } }`)).toMatch(
      /^line 4: machine\.max\.cpu: is not known; did you mean "cpus"\? \(known: cpus, memory\)/,
    );
  });

  it("rents nothing unless told to", () => {
    expect(parseLab(`${MINIMAL}targets: [container, guest, vps]\n`, "f").vps.cloud).toBe("local");
    expect(parseLab(`${MINIMAL}vps: { cloud: auto, region: eu-central-1 }\n`, "f").vps).toMatchObject({
      cloud: "auto",
      region: "eu-central-1",
    });
  });

  it("matches every target to the instance type when told to", () => {
    const matched = (vps: string) => {
      const { machine, vps: found } = parseLab(
        `${MINIMAL}machine: { memory: 600MiB, disk: 5GiB }\nvps: ${vps}\n`,
        "f",
      );
      return { cpus: machine.cpus, memory: machine.memory, disk: machine.disk, size: found.size };
    };
    const GiB = 2 ** 30;
    expect(matched("{ match: vps }")).toEqual({ cpus: 2, memory: GiB, disk: 5 * GiB, size: "t3.micro" });
    expect(matched("{ match: vps, size: t3.nano }")).toMatchObject({ memory: GiB / 2, size: "t3.nano" });
    expect(matched("{ match: spec, size: t3.small }")).toMatchObject({ cpus: 1, memory: 600 * 2 ** 20 });
  });

  it("has an end after three hours, another, or none", () => {
    const ttl = (line: string) => parseLab(`name: l\ntitle: T\nsummary: S\n${line}\n`, "f").ttl;
    expect(["", "ttl: 1h30m", "ttl: none"].map(ttl)).toEqual([10800, 5400, undefined]);
  });

  it("adds to the machine what its probes need, and nothing where there are none", () => {
    const packages = (probes: string) =>
      parseLab(`${MINIMAL}\nmachine: { packages: [nano, fio] }\nprobes: ${probes}`, "f").machine.packages;
    expect(packages("[cpu, start]")).toEqual(["fio", "nano", "sysbench"]);
    expect(packages("[]")).toEqual(["fio", "nano"]);
    expect(() => packages("[cpu, cpu]")).toThrow(/valid lab/);
    expect(() => packages("[speed]")).toThrow(/valid lab/);
  });

  it.each([
    ["machine: { memroy: 1GiB }", /machine\.memroy: is not known; did you mean "memory"/],
    ["titel: x", /titel: is not known; did you mean "title"/],
    ["machine: { memory: 512MB }", /machine\.memory: "512MB" is not a size/],
    ["machine: { memory: 512 }", /machine\.memory: must be a size with a unit/],
    ["machine: { memory: -1GiB }", /machine\.memory: "-1GiB" is not a size/],
    ["machine: { memory: 1MiB }", /machine\.memory: "1MiB" is too small/],
    ["predict: maybe", /predict: must be "required" or "invited"/],
    ["machine: { cpus: -2 }", /machine\.cpus/],
    ["machine: { cpus: 1.5 }", /machine\.cpus: must be a whole number/],
    ["machine: { user: root }", /machine\.user: must not be root/],
    ["machine: { user: mail }", /machine\.user: is a user or group of Debian's own/],
    ["machine: { user: sudo }", /machine\.user: is a user or group of Debian's own/],
    [
      "machine: { authorizedKeys: [ssh-dss AAAAB3Nza me] }",
      /authorizedKeys\.0: is not an OpenSSH public key/,
    ],
    [`machine: { authorizedKeys: [${Array(16).fill("ssh-ed25519 AAAA")}] }`, /authorizedKeys/],
    ["machine: { packages: ['a b'] }", /machine\.packages\.0: is not a Debian package name/],
    ["machine: { services: [nginx.service] }", /machine\.services\.0: "nginx.service" is no service name/],
    ["machine: { services: ['a b'] }", /machine\.services\.0: "a b" is no service name/],
    ["machine: { services: [ssh] }", /machine\.services\.0: "ssh" can't be chosen: guest and VPS always run/],
    ["machine: { release: sid }", /machine\.release: must be "bookworm"/],
    ["targets: [vm]", /targets\.0/],
    ["vps: { size: t3.mirco }", /vps\.size: .*did you mean "t3\.micro"/],
    ["machine: { memory: 1GiB }\nvps: { size: t3.nano }", /vps\.size: .*t3\.nano is too small/],
    ["machine: { cpus: 64 }\ntargets: [vps]", /vps\.size: no instance type/],
    ["vps: { region: Frankfurt }", /vps\.region: is not an AWS region/],
    ["vps: { cluod: aws }", /vps\.cluod: is not known; did you mean "cloud"/],
    ["vps: { cloud: azure }", /vps\.cloud/],
    ["targets: [guest, guest]", /targets: contains a target twice/],
    ["targets: []", /targets/],
    ["ttl: soon", /ttl: "soon" is not a duration/],
    ["ttl: 3h\nttl: 4h", /line \d+: Map keys must be unique/],
    ["machine: [", /line \d+/],
    ["machine: *none", /Unresolved alias.*none/],
    ["machine: { cpus: 65 }", /machine\.cpus: must be at most 64/],
    ["machine: { cpus: 1.5 }", /machine\.cpus: must be a whole number of CPUs/],
    ["machine: { packages: [bash-] }", /machine\.packages\.0: .*apt reads/],
    ["machine: { packages: [nginx+] }", /machine\.packages\.0: .*apt reads/],
    [`machine: { packages: [${"a".repeat(101)}] }`, /machine\.packages\.0: is longer than 100/],
    ["machine: { authorizedKeys: [ssh-ed25519 AAAA me] }", /authorizedKeys\.0: .*that sshd can use/],
  ])("refuses %j and says why", (line, why) => expect(problems(`${MINIMAL}${line}\n`)).toMatch(why));

  it("lets in as many keys as a machine takes beside the seat's own, of every kind", () => {
    const keys = [...Array(14).fill(`${ED25519} me`), SECURITY_KEY];
    const { machine } = parseLab(`${MINIMAL}machine: { authorizedKeys: ${JSON.stringify(keys)} }\n`, "f");
    expect(machine.authorizedKeys).toEqual(keys);
  });

  it("refuses aliases that multiply, and lists without end", () => {
    expect(problems(BILLION_LAUGHS)).toMatch(/Excessive alias count/);
    expect(problems(`probes: ${"[".repeat(20_000)}`)).toMatch(/./);
  });

  it("takes packages whose names end in a plus by nature", () => {
    const { machine } = parseLab(
      `${MINIMAL}machine: { packages: [g++, memtest86+] }\nprobes: [start]\n`,
      "f",
    );
    expect(machine.packages).toEqual(["g++", "memtest86+"]);
  });

  it("keeps services in the order in which they are to start, each once", () => {
    const { machine } = parseLab(
      `${MINIMAL}machine: { services: [redis-server, nginx, redis-server] }\n`,
      "f",
    );
    expect(machine.services).toEqual(["redis-server", "nginx"]);
  });

  it.each(["First Boot", "UPPER", "-x", "a_b", "x".repeat(64)])("refuses the name %j", (name) => {
    expect(problems(MINIMAL.replace("name: l", `name: "${name}"`))).toMatch(/name: /);
  });

  it("reports every problem at once", () => {
    expect(problems(`${MINIMAL}machine: { cpus: 0, memory: 1 }\nttl: x\n`).split("\n")).toHaveLength(3);
  });
});

describe("the labs of this checkout", () => {
  it("are all valid and named as their folders", async () => {
    const names = await labNames();
    expect(names).toContain("first-boot");
    for (const name of names) expect((await loadLab(name)).name).toBe(name);
  });

  it("are described by the schema that is checked in", async () => {
    expect(JSON.parse(await readFile(join(repoDir, "labs", "lab.schema.json"), "utf8"))).toEqual(
      labJsonSchema(),
    );
  });

  it("have schema keys and schema properties that agree", () => {
    expect(Object.keys(labJsonSchema().properties ?? {}).sort()).toEqual(Object.keys(labSchema.shape).sort());
  });
});

describe("finding a lab", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "trilab-labs-"));
    await mkdir(join(dir, "mine"));
    await writeFile(join(dir, "mine", "lab.yaml"), MINIMAL.replace("name: l", "name: mine"));
    await mkdir(join(dir, "other"));
    await writeFile(join(dir, "other", "lab.yaml"), MINIMAL.replace("name: l", "name: mine"));
  });
  afterAll(() => rm(dir, { recursive: true }));

  it("by its folder's path", async () =>
    expect((await loadLab(join(dir, "mine"))).dir).toBe(join(dir, "mine")));

  it("by the folder one stands in", async () => {
    const before = process.cwd();
    process.chdir(join(dir, "mine"));
    try {
      expect((await loadLab(".")).dir).toBe(await realpath(join(dir, "mine")));
    } finally {
      process.chdir(before);
    }
  });

  it("not when folder and name differ", async () => {
    await expect(loadLab(join(dir, "other"))).rejects.toMatchObject({ exitCode: ExitCode.usage });
  });

  it("not when there is none, with the nearest name", async () => {
    await expect(loadLab("frist-boot")).rejects.toMatchObject({
      exitCode: ExitCode.notFound,
      fix: 'did you mean "first-boot"?',
    });
    await expect(loadLab(join(dir, "nowhere"))).rejects.toMatchObject({ exitCode: ExitCode.notFound });
  });

  it("not when its lab.yaml is no regular file", async () => {
    await mkdir(join(dir, "folder", "lab.yaml"), { recursive: true });
    await mkdir(join(dir, "fifo"));
    execFileSync("mkfifo", [join(dir, "fifo", "lab.yaml")]);
    for (const [name, kind] of [
      ["folder", "folder"],
      ["fifo", "FIFO"],
    ] as const) {
      await expect(loadLab(join(dir, name))).rejects.toMatchObject({
        exitCode: ExitCode.usage,
        why: `it is a ${kind}`,
      });
    }
  });
});

it("docs/labs.md names every key of lab.yaml, and the packages that probes install", async () => {
  const page = await readFile(join(repoDir, "docs/labs.md"), "utf8");
  const { properties = {}, definitions } = labJsonSchema();
  const keysOf = (schema: unknown): string[] =>
    Object.keys((schema as { properties?: object } | undefined)?.properties ?? {});
  const keys = [
    ...Object.keys(properties),
    ...keysOf((definitions as { MachineSpec?: unknown } | undefined)?.MachineSpec),
    ...keysOf(properties.vps),
  ];
  const packages = Object.values(PROBE_NEEDS).flat();
  const missing = [...keys, ...packages, "guide.md"].filter(
    (word) => !new RegExp(`\`[^\`]*\\b${word}\\b`).test(page),
  );
  expect(keys.length).toBeGreaterThan(20);
  expect(missing.filter((key) => key !== "machine" && key !== "vps")).toEqual([]);
});
