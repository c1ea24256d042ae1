import { join } from "node:path";
import { execa } from "execa";
import { engineCache, executablesNamed, pulumiHome, userPulumiHome } from "./layout.js";
import { versions } from "./versions.js";

/** Where a tool was found, or how it was installed. */
export type Way = "path" | "pulumi-home" | "cache" | "download" | "built" | "stand-in";

export interface Found {
  file: string;
  version: string;
  way: Way;
}

/** A CLI that was found but can't be used. */
export interface Unfit {
  file: string;
  version: string | undefined;
}

/** All places where a CLI is searched, in the order of preference. */
export async function pulumiCandidates(): Promise<{ file: string; way: Way }[]> {
  const cache = join(engineCache(), "bin");
  const places: { dirs?: string[]; way: Way }[] = [
    { way: "path" },
    { dirs: [join(pulumiHome(), "bin"), join(userPulumiHome(), "bin")], way: "pulumi-home" },
    { dirs: [cache], way: "cache" },
  ];
  const found = await Promise.all(
    places.map(async ({ dirs, way }) =>
      (await executablesNamed("pulumi", dirs)).map((file) => ({ file, way })),
    ),
  );
  return found.flat();
}

/** The first CLI with a suitable version, and those before it that can't be used. Runs each once (0.1 s). */
export async function findPulumi(): Promise<{ found: Found | undefined; unfit: Unfit[] }> {
  const unfit: Unfit[] = [];
  for (const { file, way } of await pulumiCandidates()) {
    const version = await pulumiVersion(file);
    if (version !== undefined && isUsable(version)) return { found: { file, version, way }, unfit };
    unfit.push({ file, version });
  }
  return { found: undefined, unfit };
}

/** A CLI's version, without the leading v; `undefined` when it can't be run. */
export async function pulumiVersion(file: string): Promise<string | undefined> {
  const env = { PULUMI_SKIP_UPDATE_CHECK: "true" };
  const result = await execa(file, ["version"], { reject: false, timeout: 20_000, env });
  return /^v?(\d+\.\d+\.\d+\S*)$/.exec(result.stdout?.trim() ?? "")?.[1];
}

/** Whether a version is the minimum or newer, within major version 3, because such a CLI also serves older SDKs. */
export function isUsable(version: string): boolean {
  return version.startsWith("3.") && compareVersions(version, versions.pulumiMinimum) >= 0;
}

/** Negative, zero or positive, by the versions' three numbers. Ignores what follows them. */
export function compareVersions(a: string, b: string): number {
  const numbers = (version: string) =>
    version.split(/[.\-+]/, 3).map((part) => Number.parseInt(part, 10) || 0);
  const [left, right] = [numbers(a), numbers(b)];
  for (let index = 0; index < 3; index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
