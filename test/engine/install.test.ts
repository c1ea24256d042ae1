import { mkdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { silent } from "../../base/progress.js";
import { compareVersions, findPulumi, isUsable } from "../../engine/find.js";
import { findGo, goError } from "../../engine/go-toolchain.js";
import { inspectEngine } from "../../engine/inspect.js";
import { ensureEngine, replaceStandIns } from "../../engine/install.js";
import { engineCache, PROVIDERS, pluginDir, pluginFile, pulumiHome } from "../../engine/layout.js";
import { intact, record, verified } from "../../engine/provenance.js";
import { ensurePlugin, findPlugin, pluginVariable } from "../../engine/provider-plugin.js";
import { standInEntry } from "../../engine/stand-in.js";
import { linkUserPlugins } from "../../engine/user-plugins.js";
import { versions } from "../../engine/versions.js";
import { freshMachine, script } from "./helpers.js";

const compiled = await stat(standInEntry("docker")).then(Boolean, () => false);

describe("versions", () => {
  test("are compared by number", () => {
    expect(compareVersions("3.9.0", "3.10.0")).toBeLessThan(0);
    expect(compareVersions("1.25", "1.25.0")).toBe(0);
    expect(compareVersions("3.228.0-dev.1", "3.228.0")).toBe(0);
  });
  test("a newer 3.x serves, an old one and a 4.x do not", () => {
    expect(isUsable("3.300.1")).toBe(true);
    expect(isUsable(versions.pulumiMinimum)).toBe(true);
    expect(isUsable("3.100.0")).toBe(false);
    expect(isUsable("4.0.0")).toBe(false);
  });
});

describe("the CLI is looked for", () => {
  test("on PATH, then in the Pulumi home, then in the cache", async () => {
    const { home, bin } = await freshMachine();
    const cache = await script(join(home, "cache/trilab/engine/bin/pulumi"), "echo v3.228.0");
    expect((await findPulumi()).found).toEqual({ file: cache, version: "3.228.0", way: "cache" });
    const own = await script(join(home, ".pulumi/bin/pulumi"), "echo v3.229.0");
    expect((await findPulumi()).found).toEqual({ file: own, version: "3.229.0", way: "pulumi-home" });
    const onPath = await script(join(bin, "pulumi"), "echo v3.230.0");
    expect((await findPulumi()).found).toEqual({ file: onPath, version: "3.230.0", way: "path" });
  });

  test("passing over what is too old or does not run", async () => {
    const { home, bin } = await freshMachine();
    const old = await script(join(bin, "pulumi"), "echo v3.10.0");
    const broken = await script(join(home, ".pulumi/bin/pulumi"), "exit 1");
    const { found, unfit } = await findPulumi();
    expect(found).toBeUndefined();
    expect(unfit).toEqual([
      { file: old, version: "3.10.0" },
      { file: broken, version: undefined },
    ]);
    const notes = (await inspectEngine()).tools[0]?.notes.join("\n");
    expect(notes).toContain(`${old} is not used (3.10.0)`);
  });

  test("and the second look runs nothing", async () => {
    const { bin, home } = await freshMachine();
    await script(join(bin, "pulumi"), `echo run >> '${home}/runs'; echo v3.228.0`);
    const first = await ensureEngine({ progress: silent });
    expect(await ensureEngine({ progress: silent })).toEqual(first);
    expect(await readFile(join(home, "runs"), "utf8")).toBe("run\n");
    await script(join(bin, "pulumi"), "echo v3.231.0 # another");
    expect((await ensureEngine({ progress: silent })).version).toBe("3.231.0");
  });
});

describe("without an engine", () => {
  test("and without Go: exit 3, and both ways out", async () => {
    await freshMachine();
    vi.stubEnv("TRILAB_GO", "/nonexistent/go");
    await expect(ensureEngine({ progress: silent })).rejects.toMatchObject({
      name: "UserError",
      exitCode: 3,
      message: expect.stringContaining("no Go"),
      fix: expect.stringMatching(/go\.dev.*put pulumi 3\.228\.0 on PATH/),
    });
  });

  test("and with an old Go: exit 3", async () => {
    const { bin } = await freshMachine();
    vi.stubEnv("TRILAB_GO", await script(join(bin, "go"), "echo go1.19.8"));
    await expect(findGo()).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringContaining("Go 1.19.8 is too old"),
    });
  });

  test("a Go that can fetch the wanted toolchain by itself is let do so", async () => {
    const { bin } = await freshMachine();
    vi.stubEnv("GOTOOLCHAIN", undefined);
    vi.stubEnv("TRILAB_GO", await script(join(bin, "go"), "echo go1.24.4"));
    expect((await findGo()).env.GOTOOLCHAIN).toBe("auto");
  });

  test.each([
    ["verifying module: checksum mismatch\nSECURITY ERROR", "checksum"],
    ["write /x: no space left on device", "disk is full"],
    ["go: go.mod requires go >= 1.25.8 (running go 1.24.0; GOTOOLCHAIN=local)", "too old"],
    ['Get "https://proxy.golang.org": dial tcp: lookup proxy.golang.org: no such host', "module proxy"],
    ["something else", "was not built"],
  ])("Go's %j is told apart", (output, message) => {
    expect(goError("the Pulumi CLI", output)).toMatchObject({
      exitCode: 3,
      message: expect.stringContaining(message),
    });
  });
});

describe("what we made ourselves", () => {
  test("is known by its checksum", async () => {
    const { bin } = await freshMachine();
    const file = await script(join(bin, "tool"), "echo one");
    expect(await verified(file)).toBeUndefined();
    expect(await intact(file)).toBe(true); // Not ours: taken as it is.
    await record(file, { version: "1.0.0", way: "built" });
    expect(await verified(file)).toMatchObject({ version: "1.0.0" });
    await utimes(file, 1, 1); // Copied: another time, the same bytes.
    expect(await verified(file)).toMatchObject({ version: "1.0.0" });
    await script(file, "echo two");
    expect(await verified(file)).toBeUndefined();
    expect(await intact(file)).toBe(false);
  });
});

describe.skipIf(!compiled).each(PROVIDERS)("the %s plugin", (provider) => {
  const file = pluginFile(provider);
  test("is the stand-in when nothing else can be had, and says so", async () => {
    await freshMachine();
    expect(await ensurePlugin(provider, "/bin/false", silent)).toMatchObject({ kind: "stand-in" });
    expect((await inspectEngine())[provider]).toBe("stand-in");
    expect(await readFile(join(pluginDir(provider), file), "utf8")).toContain(standInEntry(provider));
  });

  test("gives way to the official one in ~/.pulumi, on PATH, and returns when that goes", async () => {
    const { home, bin } = await freshMachine();
    await ensurePlugin(provider, "/bin/false", silent);
    const theirs = await script(join(pluginDir(provider, join(home, ".pulumi")), file), "echo official");
    await linkUserPlugins();
    expect(await findPlugin(provider)).toMatchObject({ kind: "official", way: "pulumi-home" });
    expect(await readFile(join(pluginDir(provider), file), "utf8")).toBe(await readFile(theirs, "utf8"));
    const onPath = await script(join(bin, file), "echo official");
    expect(await ensurePlugin(provider, "/bin/false", silent)).toEqual({
      kind: "official",
      way: "path",
      file: onPath,
    });
    await rm(onPath);
    await rm(join(home, ".pulumi"), { recursive: true });
    await linkUserPlugins();
    expect(await ensurePlugin(provider, "/bin/false", silent)).toMatchObject({ kind: "stand-in" });
  });

  /** A release server, and a CLI that installs the plugin from it; notes its runs in `installs`. */
  async function reachable(): Promise<{ pulumi: string; installs: () => Promise<number> }> {
    const { bin, home } = await freshMachine();
    const dir = `$PULUMI_HOME/plugins/resource-${provider}-v${versions[provider]}`;
    const pulumi = await script(
      join(bin, "pulumi"),
      `[ "$1" = version ] && exec echo v3.228.0
      echo run >> '${home}/installs'; mkdir -p "${dir}" && echo official > "${dir}/${file}" && chmod +x "${dir}/${file}"`,
    );
    const installs = async () => (await readFile(join(home, "installs"), "utf8").catch(() => "")).length / 4;
    return { pulumi, installs };
  }
  const serve = (): void => {
    vi.stubEnv("TRILAB_RELEASE_SERVER", `file://${standInEntry(provider)}`);
  };
  const hourAgo = async (): Promise<void> => {
    const past = Date.now() / 1000 - 3601;
    await utimes(join(engineCache(), "no-plugin-server"), past, past);
  };
  const ensure = (retry = false) => ensureEngine({ progress: silent, [provider]: true, retry });

  test("takes the stand-in's place an hour after it could not be had; until then nobody is asked", async () => {
    const { installs } = await reachable();
    expect((await ensure())[provider]).toBe("stand-in");
    serve();
    expect((await ensure())[provider]).toBe("stand-in");
    await hourAgo();
    vi.stubEnv("TRILAB_OFFLINE", "1");
    expect((await ensure())[provider]).toBe("stand-in");
    vi.stubEnv("TRILAB_OFFLINE", undefined);
    expect(await installs()).toBe(0);
    expect((await ensure())[provider]).toBe("official");
    expect(await readFile(join(pluginDir(provider), file), "utf8")).toBe("official\n");
    expect((await inspectEngine())[provider]).toBe("official");
    await ensure();
    expect(await installs()).toBe(1);
  });

  test("that can't be had an hour later either leaves the stand-in, and is let alone again", async () => {
    await reachable();
    await ensure();
    await hourAgo();
    expect((await ensure())[provider]).toBe("stand-in");
    const { mtimeMs } = await stat(join(engineCache(), "no-plugin-server"));
    expect(Date.now() - mtimeMs).toBeLessThan(60 * 60_000);
  });

  test("is asked for at once by doctor --fix, unless the stand-in was", async () => {
    const { installs } = await reachable();
    await replaceStandIns(silent);
    expect(await installs()).toBe(0);
    await ensure();
    serve();
    vi.stubEnv(pluginVariable(provider), "stand-in");
    await ensure();
    await replaceStandIns(silent);
    expect(await installs()).toBe(0);
    vi.stubEnv(pluginVariable(provider), undefined);
    await replaceStandIns(silent);
    expect(await findPlugin(provider)).toMatchObject({ kind: "official", way: "pulumi-home" });
  });

  test("can be forced either way", async () => {
    const { bin } = await freshMachine();
    await script(join(bin, file), "echo official");
    vi.stubEnv(pluginVariable(provider), "stand-in");
    const forced = await ensurePlugin(provider, "/bin/false", silent);
    expect(forced).toMatchObject({ kind: "stand-in" });
    expect(forced.file.startsWith(pulumiHome())).toBe(false);
    vi.stubEnv(pluginVariable(provider), "official");
    expect(await ensurePlugin(provider, "/bin/false", silent)).toMatchObject({ kind: "official" });
    vi.stubEnv("PATH", "/usr/bin:/bin");
    await expect(ensurePlugin(provider, "/bin/false", silent)).rejects.toMatchObject({ exitCode: 3 });
    vi.stubEnv(pluginVariable(provider), "both");
    await expect(ensurePlugin(provider, "/bin/false", silent)).rejects.toMatchObject({ exitCode: 2 });
  });

  test("of the user's own home is the official one, before it is linked, too", async () => {
    const { home } = await freshMachine();
    await ensurePlugin(provider, "/bin/false", silent);
    expect(await findPlugin(provider)).toMatchObject({ kind: "stand-in" });
    const theirs = await script(join(pluginDir(provider, join(home, ".pulumi")), file), "echo official");
    expect(await findPlugin(provider)).toMatchObject({ kind: "official", file: theirs });
    await writeFile(`${pluginDir(provider, join(home, ".pulumi"))}.partial`, "");
    expect(await findPlugin(provider)).toMatchObject({ kind: "stand-in" });
  });

  test("of a half-installed user plugin is not linked", async () => {
    const { home } = await freshMachine();
    await mkdir(pluginDir(provider, join(home, ".pulumi")), { recursive: true });
    await writeFile(`${pluginDir(provider, join(home, ".pulumi"))}.partial`, "");
    await linkUserPlugins();
    expect(await findPlugin(provider)).toBeUndefined();
  });
});
