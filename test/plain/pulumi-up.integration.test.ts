import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { repoDir } from "../../base/paths.js";
import { silent } from "../../base/progress.js";
import { type Engine, ensureEngine } from "../../engine/index.js";
import { writeStandIn } from "../../engine/stand-in.js";

/** `pulumi up` in the repo's root, as somebody types it who never heard of our CLI; both targets, real parts. */
const seat = `plain${process.pid}`;
const names = ["container", "guest"].map((target) => `trilab-first-boot-${seat}-${target}`);
let dir: string;
let engine: Engine;
let env: Record<string, string>;

const pulumi = (...args: string[]) => execa(engine.pulumi, args, { cwd: repoDir, env, all: true });
const listed = async (): Promise<string> => {
  const [containers, domains] = await Promise.all([
    execa("docker", ["ps", "-a", "--format", "{{.Names}}"]),
    execa("virsh", ["list", "--all", "--name"]),
  ]);
  return `${containers.stdout}\n${domains.stdout}`;
};

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-plain-"));
  engine = await ensureEngine({ progress: silent, docker: true, libvirt: true });
  // Behind the official one, if there is one.
  const languageHost = await writeStandIn("language-nodejs", join(dir, "bin"), "pulumi-language-nodejs");
  env = {
    PATH: [...engine.path, dirname(engine.pulumi), process.env.PATH, dirname(languageHost)].join(delimiter),
    PULUMI_HOME: engine.home,
    PULUMI_BACKEND_URL: `file://${dir}`,
    PULUMI_CONFIG_PASSPHRASE: "plain",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    XDG_STATE_HOME: join(dir, "state"),
  };
});

afterAll(async () => {
  await pulumi("destroy", "--yes", "--stack", seat).catch(() => {});
  await execa("node", [join(repoDir, "dist/cli/bin.js"), "down", "--seat", seat, "--by-label"], { env });
  await rm(join(repoDir, `Pulumi.${seat}.yaml`), { force: true });
  await rm(dir, { recursive: true });
});

it("deploys the seat that the stack names, changes nothing the second time, and takes it away", async () => {
  await pulumi("stack", "init", seat);
  const preview = await pulumi("preview", "--stack", seat);
  expect(preview.all).toContain("11 to create");
  expect(await listed()).not.toContain(seat);

  await pulumi("up", "--yes", "--skip-preview", "--stack", seat);
  const there = await listed();
  for (const name of names) expect(there).toContain(name);
  const outputs = JSON.parse((await pulumi("stack", "output", "--json", "--stack", seat)).stdout);
  expect(
    Object.values(outputs.machines)
      .map((m) => (m as { name: string }).name)
      .sort(),
  ).toEqual(names);

  const again = await pulumi("up", "--yes", "--skip-preview", "--stack", seat);
  expect(again.all).toContain("11 unchanged");

  await pulumi("destroy", "--yes", "--stack", seat);
  expect(await listed()).not.toContain(seat);
});
