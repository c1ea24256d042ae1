import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ExitCode, UserError } from "../base/errors.js";
import type { Progress } from "../base/progress.js";
import { downloadPlugin } from "./download.js";
import { dockerDir, dockerPlugin, engineCache, isExecutable, which } from "./layout.js";
import { isStandIn, writeStandIn } from "./stand-in.js";
import { versions } from "./versions.js";

/** Which plugin serves @pulumi/docker, and from where. */
export interface DockerPlugin {
  kind: "official" | "stand-in";
  file: string;
  way: "path" | "pulumi-home" | "stand-in";
}

/** Holds a launcher that goes before PATH, for when the stand-in is asked for although the official one is there. */
export const forcedStandInDir = (): string => join(engineCache(), "stand-in");

/** `TRILAB_DOCKER_PLUGIN`: official, stand-in, or unset (the official one where it can be had). */
export function forcedDockerPlugin(): "official" | "stand-in" | undefined {
  const value = process.env.TRILAB_DOCKER_PLUGIN;
  if (!value) return undefined;
  if (value === "official" || value === "stand-in") return value;
  throw new UserError(`TRILAB_DOCKER_PLUGIN is "${value}"`, {
    fix: "set it to official or stand-in, or unset it",
    exitCode: ExitCode.usage,
  });
}

/** Looks only. The marker tells a stand-in, in whatever home it stands. */
export async function findDockerPlugin(): Promise<DockerPlugin | undefined> {
  if (forcedDockerPlugin() === "stand-in") {
    const file = join(forcedStandInDir(), dockerPlugin);
    return (await isExecutable(file)) ? { kind: "stand-in", file, way: "stand-in" } : undefined;
  }
  const [onPath] = await which(dockerPlugin);
  if (onPath) return { kind: "official", file: onPath, way: "path" };
  const file = join(dockerDir(), dockerPlugin);
  if (!(await isExecutable(file))) return undefined;
  const kind = (await isStandIn(dockerDir())) ? "stand-in" : "official";
  return { kind, file, way: kind === "stand-in" ? "stand-in" : "pulumi-home" };
}

/**
 * Puts a Docker plugin where the engine finds it: the official one on PATH, in PULUMI_HOME (where
 * linkUserPlugins has put the user's), or downloaded; else our stand-in.
 *
 * @param retry Ask the release server although a stand-in is in place.
 * @throws UserError (exit 3) when the official one is asked for and cannot be had, or the stand-in is not compiled.
 */
export async function ensureDockerPlugin(
  pulumi: string,
  progress: Progress,
  retry = false,
): Promise<DockerPlugin> {
  const forced = forcedDockerPlugin();
  if (forced === "stand-in") {
    const file = await writeStandIn("docker", forcedStandInDir(), dockerPlugin);
    return { kind: "stand-in", file, way: "stand-in" };
  }
  const found = await findDockerPlugin();
  if (found?.kind === "official") return found;
  if (!found || retry || forced === "official") {
    // `pulumi plugin install` takes a directory of that name for the plugin being installed.
    await rm(dockerDir(), { recursive: true, force: true });
    if (await downloadPlugin(pulumi, "docker", versions.docker, progress)) {
      return { kind: "official", file: join(dockerDir(), dockerPlugin), way: "pulumi-home" };
    }
  }
  if (forced === "official") {
    throw new UserError(
      `the official Docker plugin ${versions.docker} is not here and cannot be downloaded`,
      {
        why: "TRILAB_DOCKER_PLUGIN=official asks for it, and Pulumi's release server does not answer",
        fix: `put ${dockerPlugin} ${versions.docker} on PATH, or unset TRILAB_DOCKER_PLUGIN to use trilab's stand-in`,
        exitCode: ExitCode.hostNotReady,
      },
    );
  }
  const file = await writeStandIn("docker", dockerDir(), dockerPlugin);
  await writeFile(`${dockerDir()}.lock`, "");
  if (!found)
    progress.note("Docker is served by trilab's stand-in plugin, the official one being out of reach");
  return { kind: "stand-in", file, way: "stand-in" };
}
