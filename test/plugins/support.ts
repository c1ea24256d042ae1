import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { LocalWorkspace, PulumiCommand, type PulumiFn, type Stack } from "@pulumi/pulumi/automation/index.js";
import Docker from "dockerode";
import { execa } from "execa";
import { silent } from "../../base/progress.js";
import { ensureEngine } from "../../engine/index.js";
import { separateConnections } from "../../engine/sdk.js";
import { versions } from "../../engine/versions.js";

const repo = resolve(import.meta.dirname, "../..");

/** The real engine, as trilab uses it. */
async function pulumiForTests(): Promise<PulumiCommand> {
  const { pulumi } = await ensureEngine({ progress: silent });
  return PulumiCommand.get({ root: resolve(pulumi, "../.."), skipVersionCheck: true });
}

/** The plugin compiled from the sources as they are now, apart from dist/, which may be old or in use. */
export async function compiledPlugin(plugin: "docker" | "aws" = "docker"): Promise<string> {
  await execa("npx", ["tsc", "-p", join(repo, "test/plugins/tsconfig.json")], { cwd: repo });
  return join(repo, "node_modules/.cache/trilab-test-plugins/plugins", plugin, "main.js");
}

/** A name nothing else on the shared daemon has. */
export const uniqueName = (what: string): string =>
  `tlplug-${what}-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;

export const docker = (): Docker => new Docker({ socketPath: "/var/run/docker.sock" });

/** Whatever on the daemon still carries this text in its name. */
export async function leftovers(text: string): Promise<string[]> {
  const client = docker();
  const containers = await client.listContainers({ all: true });
  const networks = await client.listNetworks();
  const { Volumes: volumes } = await client.listVolumes();
  return [
    ...containers.flatMap((item) => item.Names),
    ...networks.map((item) => item.Name),
    ...(volumes ?? []).map((item) => item.Name),
  ].filter((name) => name.includes(text));
}

/** Removes what a failed test left and says what that was. */
export async function sweep(text: string): Promise<string[]> {
  const left = await leftovers(text);
  const client = docker();
  const gone = (): void => {};
  for (const name of left)
    if (name.startsWith("/"))
      await client.getContainer(name.slice(1)).remove({ force: true, v: true }).catch(gone);
  for (const name of left.filter((item) => !item.startsWith("/"))) {
    await client.getNetwork(name).remove().catch(gone);
    await client.getVolume(name).remove().catch(gone);
  }
  return left;
}

/** An image of this host's own sh, sleep and true, made without any registry. Remove it with `removeImage`. */
export async function makeImage(name: string, client = docker()): Promise<string> {
  const programs = ["/bin/sh", "/bin/sleep", "/bin/true", "/bin/cat"];
  const libraries = new Set<string>();
  for (const program of programs) {
    const { stdout } = await execa("ldd", [program]);
    for (const [path] of stdout.matchAll(/\/\S+\.so\S*/g)) libraries.add(path);
  }
  const dir = await mkdtemp(join(tmpdir(), "tlplug-image-"));
  try {
    const tar = join(dir, "image.tar");
    // -h: the files themselves, under the names the loader looks for.
    await execa("tar", ["-chf", tar, "-P", "--transform", "s|^/||", ...programs, ...libraries]);
    const [repository = name, tag = "latest"] = name.split(":");
    const stream = await client.importImage(tar, { repo: repository, tag });
    await new Promise<void>((done, fail) => {
      stream.on("data", () => {});
      stream.once("end", done);
      stream.once("error", fail);
    });
    return (await client.getImage(name).inspect()).Id;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export async function removeImage(name: string): Promise<void> {
  await docker()
    .getImage(name)
    .remove({ force: true })
    .catch(() => {});
}

/** An engine home with the plugin installed as engine/ does it, and a state of its own. */
export interface Bench {
  dir: string;
  /** Selects or creates the stack for this program; `env` is added to the engine's environment. */
  stack(program: PulumiFn, env?: Record<string, string>): Promise<Stack>;
  close(): Promise<void>;
}

export async function openBench(name: string, plugin: "docker" | "aws" = "docker"): Promise<Bench> {
  const [command, main] = await Promise.all([pulumiForTests(), compiledPlugin(plugin)]);
  const dir = await mkdtemp(join(tmpdir(), "tlplug-bench-"));
  const pluginDir = join(dir, "home/plugins", `resource-${plugin}-v${versions[plugin]}`);
  await mkdir(pluginDir, { recursive: true });
  await mkdir(join(dir, "state"));
  const launcher = join(pluginDir, `pulumi-resource-${plugin}`);
  // exec: the plugin watches its parent, which must be the engine.
  separateConnections(); // A file of tests starts many engines, and a port may come twice.
  await writeFile(launcher, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
  await chmod(launcher, 0o755);
  return {
    dir,
    stack: (program, env = {}) =>
      LocalWorkspace.createOrSelectStack(
        { stackName: name, projectName: "tlplug", program },
        {
          workDir: dir,
          pulumiHome: join(dir, "home"),
          pulumiCommand: command,
          projectSettings: {
            name: "tlplug",
            runtime: "nodejs",
            backend: { url: `file://${join(dir, "state")}` },
          },
          envVars: {
            PULUMI_CONFIG_PASSPHRASE: "test",
            PULUMI_SKIP_UPDATE_CHECK: "true",
            PULUMI_HOME: join(dir, "home"),
            ...env,
          },
        },
      ),
    close: () => rm(dir, { recursive: true, force: true }),
  };
}

/** The stack's checkpoint as the backend has it: to look for what must not be there in clear. */
export const checkpointText = async (bench: Bench, name: string): Promise<string> =>
  readFile(join(bench.dir, `state/.pulumi/stacks/tlplug/${name}.json`), "utf8");
