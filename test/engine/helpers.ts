import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, vi } from "vitest";

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

export async function tempDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "trilab-engine-"));
  cleanups.push(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}

/** Empty state of its own, the engine of the user's cache. */
export async function ownState(): Promise<string> {
  const dir = await tempDir();
  vi.stubEnv("XDG_STATE_HOME", dir);
  vi.stubEnv("PULUMI_BACKEND_URL", undefined);
  vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", undefined);
  vi.stubEnv("PULUMI_CONFIG_PASSPHRASE_FILE", undefined);
  return dir;
}

/** No engine, no user's home, no Pulumi on PATH: a machine trilab has never run on. No release server either. */
export async function freshMachine(): Promise<{ home: string; bin: string }> {
  const home = await ownState();
  const bin = join(home, "bin");
  await mkdir(bin);
  // Go counts its runs in the home directory, also after the command has ended, and so after the folder is gone.
  const telemetry = join(home, ".config/go/telemetry");
  await mkdir(telemetry, { recursive: true });
  await writeFile(join(telemetry, "mode"), "off\n");
  vi.stubEnv("HOME", home);
  vi.stubEnv("XDG_CACHE_HOME", join(home, "cache"));
  vi.stubEnv("PULUMI_HOME", undefined);
  vi.stubEnv("TRILAB_DOCKER_PLUGIN", undefined);
  vi.stubEnv("TRILAB_AWS_PLUGIN", undefined);
  vi.stubEnv("TRILAB_RELEASE_SERVER", "http://127.0.0.1:9");
  vi.stubEnv("PATH", [bin, "/usr/bin", "/bin"].join(delimiter));
  return { home, bin };
}

/** An executable shell script. */
export async function script(file: string, body: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${body}\n`);
  await chmod(file, 0o755);
  return file;
}

export const stackName = (): string => `t${randomBytes(4).toString("hex")}`;

/** Puts the slow provider on PATH and returns the file it logs to. */
export async function slowProvider(): Promise<string> {
  const dir = await tempDir();
  const entry = join(dirname(fileURLToPath(import.meta.url)), "slow-provider.mjs");
  await script(join(dir, "pulumi-resource-slow"), `exec '${process.execPath}' '${entry}' "$@"`);
  vi.stubEnv("PATH", [dir, process.env.PATH].join(delimiter));
  const log = join(dir, "log");
  await writeFile(log, "");
  return log;
}

/** Waits until the file holds the text. */
export async function waitForText(file: string, text: string): Promise<void> {
  await vi.waitFor(
    async () => {
      if (!(await readFile(file, "utf8")).includes(text)) throw new Error(`no "${text}" in ${file}`);
    },
    { timeout: 30_000, interval: 50 },
  );
}
