import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { repoDir } from "../../base/paths.js";
import { type RunDocument, runDocumentSchema } from "../../probes/run-document.js";

/** `up`, then `compare --quick --json`, as a learner types it, on a real container and a real guest. */
const seat = `cmp${process.pid}`;
const machines = ["container", "guest"].map((target) => `trilab-first-boot-${seat}-${target}`);
let dir: string;
let run: RunDocument;

const trilab = (...args: string[]) =>
  execa("node", [join(repoDir, "dist/cli/bin.js"), ...args], {
    env: { XDG_STATE_HOME: dir },
    reject: false,
  });

const samples = (probe: string, metric: string, target: string): number[] =>
  run.probes.find((p) => p.id === probe)?.series.find((s) => s.metric === metric && s.target === target)
    ?.samples ?? [];

const middle = (list: readonly number[]): number =>
  [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;

const of = (probe: string, metric: string) => ({
  container: middle(samples(probe, metric, "container")),
  guest: middle(samples(probe, metric, "guest")),
});

const leftovers = async (): Promise<string[]> => {
  const [containers, domains, files] = await Promise.all([
    execa("docker", ["ps", "--all", "--format", "{{.Names}}"]),
    execa("virsh", ["list", "--all", "--name"]),
    execa("ls", ["/var/lib/libvirt/images/trilab", "/var/log/libvirt/qemu"], { reject: false }),
  ]);
  return [containers, domains, files].flatMap((r) => r.stdout.split("\n")).filter((n) => n.includes(seat));
};

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-compare-"));
  const up = await trilab("up", "first-boot", "--seat", seat, "--yes");
  expect(up.exitCode, up.stderr).toBe(0);
  await trilab("ssh", "guest", "--seat", seat, "--", "sh", "-c", "echo kept > ~/kept");
  // What a compare that was killed has left.
  const [container = "", guest = ""] = machines;
  const { stdout: image } = await execa("docker", ["inspect", "-f", "{{.Image}}", container]);
  await execa("docker", ["create", "--name", `${container}-clone9`, image, "true"]);
  await execa("virsh", ["vol-create-as", "trilab", `${guest}-clone9.qcow2`, "1M"]);
  const compared = await trilab("compare", "--quick", "--json", "--seed", "11", "--seat", seat);
  expect(compared.exitCode, compared.stderr).toBe(0);
  expect(compared.stderr).toContain(`removed container ${container}-clone9`);
  run = runDocumentSchema.parse(JSON.parse(compared.stdout));
});

afterAll(async () => {
  const down = await trilab("down", "first-boot", "--seat", seat);
  expect(down.exitCode, down.stderr).toBe(0);
  expect(await leftovers()).toEqual([]);
  await rm(dir, { recursive: true, force: true });
});

it("leaves a document with every probe, the seed, parity, and what asking costs", () => {
  expect(run).toMatchObject({ quick: true, partial: false, seed: 11, seat, targets: ["container", "guest"] });
  expect(run.parity.inTolerance).toBe(true);
  expect(run.baseline).toMatchObject({ measured: true });
  expect(run.overhead.map((s) => s.target).sort()).toEqual(["baseline", "container", "guest"]);
  expect(run.probes.map((p) => [p.id, p.status, p.note])).toEqual(run.probes.map((p) => [p.id, "ok", ""]));
  expect(run.probes.length).toBeGreaterThanOrEqual(14);
});

it("finds what physics says", () => {
  for (const [probe, metric] of [
    ["start", "total"],
    ["stop", "total"],
    ["memory", "idle"],
    ["density", "memory"],
  ] as const) {
    const { container, guest } = of(probe, metric);
    expect(container, `${probe} ${metric}`).toBeGreaterThan(0);
    expect(guest, `${probe} ${metric}`).toBeGreaterThan(container);
  }
  const fit = of("density", "fit");
  expect(fit.container).toBeGreaterThan(fit.guest);
  const fits = run.probes.find((p) => p.id === "density")?.series.filter((s) => s.metric === "fit") ?? [];
  expect(fits.map((s) => s.limit)).not.toContain(undefined);
  const kept = of("memory", "kept");
  // Of 128 MiB: a guest reports the pages that its programs freed.
  expect(kept.guest).toBeLessThan(96);
  expect(kept.container).toBeLessThan(32);
  expect(of("disk", "kept").container).toBeLessThan(8);
});

it("says of an emulated guest's CPU figures that they are not representative, and of no others", () => {
  const cpu = run.probes.find((p) => p.id === "cpu")?.series.find((s) => s.target === "guest");
  if (run.emulated) expect(cpu).toMatchObject({ representative: false, note: /^emulated, without KVM/ });
  const idle = run.probes.find((p) => p.id === "memory")?.series.find((s) => s.metric === "idle");
  expect(idle?.representative).toBe(true);
});

it("decides most claims, emulated or not, and none about speed of an emulated guest", async () => {
  const { exitCode, stderr, stdout } = await trilab("claims", "--json", "--seat", seat);
  expect(exitCode, stderr).toBe(0);
  const { claims, counts } = JSON.parse(stdout) as {
    claims: { id: string; verdict: string }[];
    counts: Record<string, number>;
  };
  const verdicts = Object.fromEntries(claims.map(({ id, verdict }) => [id, verdict]));
  expect(claims.length - (counts["not-measured"] ?? 0), stdout).toBeGreaterThanOrEqual(15);
  expect(verdicts).toMatchObject({
    "own-kernel": "holds",
    "is-a-process": "holds",
    "kernel-software": "holds",
    "idle-guest-costs-more": "holds",
    "free-shows-the-limit": "does-not-hold",
    "image-stays-unchanged": "depends",
    "translated-calls": "not-measured", // a quick run leaves host-calls out
  });
  if (run.emulated) expect(verdicts["guest-is-slower"]).toBe("not-measured");
  expect(run.facts?.boot?.container).toBe(run.facts?.boot?.host);
  expect((await trilab("claims", "--seat", "nobody")).exitCode).toBe(6);
});

it("measured the same files in both", async () => {
  const sums = await Promise.all(
    ["container", "guest"].map((target) =>
      trilab(
        "ssh",
        target,
        "--seat",
        seat,
        "--",
        "sha256sum",
        "/usr/bin/sysbench",
        "/usr/bin/perf",
        "/etc/debian_version",
      ),
    ),
  );
  expect(sums[0]?.stdout.split("\n")).toHaveLength(3);
  expect(sums[0]?.stdout).toBe(sums[1]?.stdout);
});

it("leaves the targets running, with what the learner stored, nothing pinned, and nothing else", async () => {
  expect((await trilab("ssh", "guest", "--seat", seat, "--", "cat", "kept")).stdout).toBe("kept");
  expect((await leftovers()).filter((n) => n.includes("clone"))).toEqual([]);
  expect((await leftovers()).filter((n) => !n.includes(".")).sort()).toEqual([...machines].sort());
  const pins = await execa("virsh", ["vcpupin", machines[1] ?? "", "--live"]);
  expect(pins.stdout).not.toMatch(/^\s*0\s+1\s*$/m);
});
