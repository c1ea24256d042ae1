import { join } from "node:path";
import { execa } from "execa";
import { engineCache, pulumiHome, userPulumiHome, which } from "./layout.js";
import { versions } from "./versions.js";

/** How a tool came to be here. */
export type Way = "path" | "pulumi-home" | "cache" | "download" | "built" | "stand-in";

export interface Found {
  file: string;
  version: string;
  way: Way;
}

/** A CLI that was found but cannot be used. */
export interface Unfit {
  file: string;
  version: string | undefined;
}

/** Every place a CLI is looked for, in the order of preference. */
export async function pulumiCandidates(): Promise<{ file: string; way: Way }[]> {
  const cache = join(engineCache(), "bin");
  const places: { dirs?: string[]; way: Way }[] = [
    { way: "path" },
    { dirs: [join(pulumiHome(), "bin"), join(userPulumiHome(), "bin")], way: "pulumi-home" },
    { dirs: [cache], way: "cache" },
  ];
  const found = await Promise.all(
    places.map(async ({ dirs, way }) => (await which("pulumi", dirs)).map((file) => ({ file, way }))),
  );
  return found.flat();
}

/** The first CLI of a version we work with, and those passed over on the way. Runs each once (0.1 s). */
export async function findPulumi(): Promise<{ found: Found | undefined; unfit: Unfit[] }> {
  const unfit: Unfit[] = [];
  for (const { file, way } of await pulumiCandidates()) {
    const version = await pulumiVersion(file);
    if (version !== undefined && isUsable(version)) return { found: { file, version, way }, unfit };
    unfit.push({ file, version });
  }
  return { found: undefined, unfit };
}

/** What a CLI says it is, without the leading v; undefined when it cannot be run. */
export async function pulumiVersion(file: string): Promise<string | undefined> {
  const env = { PULUMI_SKIP_UPDATE_CHECK: "true" };
  const result = await execa(file, ["version"], { reject: false, timeout: 20_000, env });
  return /^v?(\d+\.\d+\.\d+\S*)$/.exec(result.stdout?.trim() ?? "")?.[1];
}

/** From the minimum on, within major version 3: the CLI keeps serving older SDKs. */
export function isUsable(version: string): boolean {
  return version.startsWith("3.") && compareVersions(version, versions.pulumiMinimum) >= 0;
}

/** Negative, zero or positive, by the three numbers; what follows them is ignored. */
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
