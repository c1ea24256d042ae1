import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { withLock } from "../base/lock.js";
import type { Progress } from "../base/progress.js";
import { findGo, type Go, goError } from "./go-toolchain.js";
import { engineCache, goModuleDir } from "./layout.js";
import { record, verified } from "./provenance.js";
import type { GoTool } from "./versions.js";

/**
 * Builds a tool into `file`, unless that exists. Only one process builds at a time; others wait for it. An interrupted
 * build continues from Go's own caches. `file` appears only when it is complete.
 *
 * @param moduleDir The folder of the go.mod and go.sum that pin it. Default: the tool's own in engine/go.
 * @returns whether it was built now.
 * @throws UserError (exit 3): there is no Go, it is too old, the module proxy does not answer, a checksum is wrong, or the
 * disk is full.
 */
export async function buildTool(
  tool: GoTool,
  file: string,
  progress: Progress,
  moduleDir = goModuleDir(tool.name),
): Promise<boolean> {
  const lock = { what: `the build of ${tool.title}`, waitMs: 30 * 60_000 };
  return withLock(join(engineCache(), "build.lock"), lock, async () => {
    if (await verified(file)) return false;
    const go = await findGo();
    const fresh = `${file}.${process.pid}.new`;
    await mkdir(dirname(file), { recursive: true });
    try {
      await compile(tool, moduleDir, go, fresh, progress);
      await rename(fresh, file);
    } finally {
      await rm(fresh, { force: true });
    }
    await record(file, { version: tool.version, way: "built" });
    return true;
  });
}

async function compile(tool: GoTool, cwd: string, go: Go, out: string, progress: Progress): Promise<void> {
  const started = Date.now();
  const options = { cwd, env: go.env, reject: false } as const;
  progress.update(`fetching the Go modules of ${tool.title}`);
  const list = await execa(
    go.file,
    ["list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", tool.package],
    options,
  );
  if (list.exitCode !== 0) throw goError(tool.title, list.stderr || list.shortMessage || "");
  const total = list.stdout.split("\n").filter(Boolean).length;

  const ldflags = ["-s", "-w", ...(tool.stamp ? ["-X", tool.stamp] : [])].join(" ");
  // -v prints each package when its compilation begins, but not those from the cache.
  const build = execa(go.file, ["build", "-v", "-ldflags", ldflags, "-o", out, tool.package], options);
  let done = 0;
  const tell = (): void => {
    const clock = new Date(Date.now() - started).toISOString().slice(14, 19);
    const percent = Math.min(99, Math.floor((100 * done) / Math.max(1, total)));
    progress.update(
      `building ${tool.title}: ${percent} %, ${clock} (about ${tool.minutes} min on two cores)`,
    );
  };
  const timer = setInterval(tell, 1000);
  createInterface({ input: build.stderr }).on("line", (line) => {
    if (!line.includes(" ")) done += 1;
  });
  try {
    tell();
    const result = await build;
    if (result.exitCode !== 0) throw goError(tool.title, result.stderr || result.shortMessage || "");
  } finally {
    clearInterval(timer);
  }
}
