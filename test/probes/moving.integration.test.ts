import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { repoDir } from "../../base/paths.js";
import { pollUntil } from "../../base/poll.js";
import { runDocumentSchema } from "../../probes/run-document.js";

/** A real container and a real guest are moved on this host. */
const seat = `move${process.pid}`;
const guest = `trilab-first-boot-${seat}-guest`;
let dir: string;

const trilab = (...args: string[]) =>
  execa("node", [join(repoDir, "dist/cli/bin.js"), ...args], { env: { XDG_STATE_HOME: dir }, reject: false });
const compare = (...args: string[]) =>
  trilab("compare", "--quick", "--probes", "moving", "--json", "--seat", seat, ...args);

/** What the daemons have of this seat that is not one of its own machines. */
async function clones(): Promise<string[]> {
  const lists = await Promise.all([
    execa("docker", ["ps", "--all", "--format", "{{.Names}}"]),
    execa("docker", ["images", "--format", "{{.Repository}}:{{.Tag}}"]),
    execa("virsh", ["list", "--all", "--name"]),
    execa("virsh", ["--quiet", "vol-list", "trilab"], { reject: false }),
  ]);
  return lists
    .flatMap(({ stdout }) => stdout.split("\n"))
    .map((line) => line.trim().split(/\s/)[0] ?? "")
    .filter((name) => name.includes(`${seat}-`) && name.includes("-clone"));
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-moving-"));
  const up = await trilab("up", "first-boot", "--seat", seat, "--yes");
  expect(up.exitCode, up.stderr).toBe(0);
  await trilab("run", "--seat", seat, "--", "sh -c 'echo kept >~/kept'");
});

afterAll(async () => {
  const down = await trilab("down", "first-boot", "--seat", seat);
  expect(down.exitCode, down.stderr).toBe(0);
  expect(await clones()).toEqual([]);
  await rm(dir, { recursive: true, force: true });
});

it("a killed compare leaves parts of what it moved, and the next one removes them", async () => {
  const killed = compare();
  const guestDisk = `${guest}-clone1.qcow2`;
  const begun = async () => (await clones()).includes(guestDisk);
  expect(await pollUntil(begun, { limitMs: 240_000, everyMs: 300 })).toBe(true);
  killed.kill("SIGKILL");
  await killed;
  const again = await trilab("start", "--seat", seat);
  expect(again.exitCode, again.stderr).toBe(0);
  const { exitCode, stderr, stdout } = await compare("--seed", "5");
  expect(exitCode, stderr).toBe(0);
  expect(stderr).toContain(`removed guest disk ${guestDisk}, left behind by an interrupted compare`);
  expect(await clones()).toEqual([]);

  const [probe] = runDocumentSchema.parse(JSON.parse(stdout)).probes;
  expect(probe).toMatchObject({ id: "moving", status: "ok", note: "" });
  const figure = (metric: string, target: string): number =>
    probe?.series.find((s) => s.metric === metric && s.target === target)?.samples[0] ?? Number.NaN;
  for (const target of ["container", "guest"]) {
    expect(figure("bytes", target)).toBeGreaterThan(20);
    const parts = ["export", "carry", "unpack", "start"].map((metric) => figure(metric, target));
    expect(figure("total", target)).toBeCloseTo(
      parts.reduce((a, b) => a + b, 0),
      6,
    );
  }
  // Both carry the same files; the guest has a kernel, too.
  expect(figure("bytes", "guest")).toBeGreaterThan(figure("bytes", "container"));
});

it("the originals run as before, and what was in them is still there", async () => {
  const ran = await trilab("run", "--seat", seat, "--json", "--", "sh -c 'cat ~/kept; ls -a ~'");
  expect(ran.exitCode, ran.stderr).toBe(0);
  expect(ran.stdout.match(/kept\\n/g)?.length).toBeGreaterThanOrEqual(2);
  expect(ran.stdout).not.toContain(".trilab-moving");
});

it("the claim about images is decided by what was carried", async () => {
  const { stdout } = await trilab("claims", "--json", "--seat", seat);
  const { claims } = JSON.parse(stdout) as { claims: { id: string; parts: { figures: string }[] }[] };
  const parts = claims.find(({ id }) => id === "image-is-smaller")?.parts ?? [];
  expect(parts.filter(({ figures }) => figures !== "").length).toBeGreaterThanOrEqual(2);
});
