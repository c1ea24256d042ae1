import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Options } from "yargs";
import { ExitCode, messageOf, UserError } from "../base/errors.js";
import { configDir } from "../base/paths.js";
import { type DockerEndpoint, type Endpoints, LOCAL } from "../model/endpoint.js";
import { type Args, text } from "./define-command.js";

/*
 * The only file of the CLI that reads the daemons' endpoints from the environment. They are for a new seat, and for
 * commands that are not about one seat. An existing seat keeps the endpoints in its record.
 */

/** The options that choose the daemons. */
export const endpointOptions = {
  docker: {
    type: "string",
    describe:
      "the Docker daemon: unix://, tcp:// or ssh:// (a seat that exists keeps its own); default: see docs/hosts.md",
  },
  libvirt: {
    type: "string",
    describe:
      "the libvirt connection: qemu+ssh://host/system (a seat that exists keeps its own); default: see docs/hosts.md",
  },
} as const satisfies Record<string, Options>;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The daemons to use: by flag, else by the environment, else by config.yaml in trilab's configuration directory
 * (`docker:` and `libvirt:`), else this machine's.
 *
 * @throws UserError (exit 2) for an invalid address, or a context that Docker does not know.
 */
export async function chosenEndpoints(args: Args = {}, env: Environment = process.env): Promise<Endpoints> {
  const file = await configFile();
  const uri =
    text(args, "libvirt") ||
    env.TRILAB_LIBVIRT_URI ||
    env.LIBVIRT_DEFAULT_URI ||
    file.libvirt ||
    LOCAL.libvirt.uri;
  if (!URL.canParse(uri)) {
    throw new UserError(`"${uri}" is not a libvirt URI`, {
      why: "a URI names driver, host and daemon",
      fix: "write qemu:///system for this machine, qemu+ssh://user@host/system for another",
      exitCode: ExitCode.usage,
    });
  }
  const docker = await chosenDocker(text(args, "docker"), file, env);
  const { parseAddress } = await import("../drivers/docker/connect.js");
  for (const host of [docker.host, ...Object.values(docker.swarm ?? {})]) parseAddress({ host });
  return { docker, libvirt: { kind: "libvirt", uri } };
}

async function chosenDocker(
  flag: string | undefined,
  configured: Configured,
  env: Environment,
): Promise<DockerEndpoint> {
  const named = flag || env.TRILAB_DOCKER_HOST || env.DOCKER_HOST;
  if (named) return dockerAt(named, env);
  if (env.DOCKER_CONTEXT) return contextEndpoint(env.DOCKER_CONTEXT, env);
  if (configured.docker) {
    const { swarm } = configured;
    return { ...dockerAt(configured.docker, env), ...(swarm ? { swarm } : {}) };
  }
  const current = await currentContext(env);
  return current === undefined ? LOCAL.docker : contextEndpoint(current, env);
}

const dockerConfigDir = (env: Environment): string =>
  env.DOCKER_CONFIG || join(env.HOME || homedir(), ".docker");

/** Certificates are found as Docker's own tools do it: in DOCKER_CERT_PATH, else in ~/.docker if TLS is requested. */
function dockerAt(host: string, env: Environment): DockerEndpoint {
  const wantsTls = Boolean(env.DOCKER_TLS_VERIFY) || host.endsWith(":2376");
  const certPath = env.DOCKER_CERT_PATH || (wantsTls ? dockerConfigDir(env) : undefined);
  const tls = host.startsWith("tcp://") && certPath !== undefined && existsSync(join(certPath, "ca.pem"));
  return { kind: "docker", host, ...(tls ? { certPath } : {}) };
}

/** The context that `docker context use` has chosen; `undefined` for the default one. */
async function currentContext(env: Environment): Promise<string | undefined> {
  const text = await readFile(join(dockerConfigDir(env), "config.json"), "utf8").catch(() => "{}");
  try {
    const { currentContext } = JSON.parse(text) as { currentContext?: unknown };
    return typeof currentContext === "string" && currentContext !== "default" ? currentContext : undefined;
  } catch {
    return undefined; // Docker's own tools report what is wrong with it.
  }
}

/** The endpoint of a context, as the `docker` command reports it. */
async function contextEndpoint(name: string, env: Environment): Promise<DockerEndpoint> {
  if (name === "default") return LOCAL.docker;
  const { execa } = await import("execa");
  const result = await execa("docker", ["context", "inspect", name], { reject: false, env: { ...env } });
  try {
    const [context] = JSON.parse(result.stdout ?? "") as {
      Endpoints: { docker: { Host: string } };
      Storage: { TLSPath: string };
    }[];
    if (context === undefined) throw new Error(`there is no context "${name}"`);
    const tls = join(context.Storage.TLSPath, "docker");
    const certPath = existsSync(join(tls, "ca.pem")) ? { certPath: tls } : {};
    return { kind: "docker", host: context.Endpoints.docker.Host, ...certPath };
  } catch (error) {
    throw new UserError(`the Docker context "${name}" can't be used`, {
      why: result.stderr || result.message || messageOf(error),
      fix: "list the contexts: docker context ls; or give the daemon's address: --docker",
      exitCode: ExitCode.usage,
    });
  }
}

/** What the configuration file may contain. */
interface Configured {
  docker?: string | undefined;
  /** If `docker` is a manager of a Docker Swarm: the daemons of its nodes, by hostname. */
  swarm?: Record<string, string> | undefined;
  libvirt?: string | undefined;
}

/** The configuration file; empty if there is none. */
async function configFile(): Promise<Configured> {
  const path = join(configDir(), "config.yaml");
  if (!existsSync(path)) return {};
  const { parse } = await import("yaml");
  const { z } = await import("zod");
  try {
    const schema = z.strictObject({
      docker: z.string().optional(),
      swarm: z.record(z.string(), z.string()).optional(),
      libvirt: z.string().optional(),
    });
    return schema.parse(parse(await readFile(path, "utf8")) ?? {});
  } catch (error) {
    throw new UserError("trilab's configuration file can't be read", {
      why: `${path}: ${error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error)}`,
      fix: "its only keys are docker: and libvirt:, each with an address, and swarm:, with an address for each node",
      exitCode: ExitCode.usage,
    });
  }
}
