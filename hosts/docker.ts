import Docker from "dockerode";
import { ExitCode, messageOf, UserError } from "../base/errors.js";

/** The Docker endpoint in force: TRILAB_DOCKER_HOST, then DOCKER_HOST, then the local socket. */
export const dockerEndpoint = (): string =>
  process.env.TRILAB_DOCKER_HOST || process.env.DOCKER_HOST || "unix:///var/run/docker.sock";

/** A client of the daemon at `endpoint` (`unix://`, `tcp://`, `ssh://`). Nothing is asked of it yet. */
export function dockerClient(endpoint = dockerEndpoint()): Docker {
  if (endpoint.startsWith("unix://")) return new Docker({ socketPath: endpoint.slice("unix://".length) });
  const url = new URL(endpoint);
  if (url.protocol === "ssh:") {
    return new Docker({
      protocol: "ssh",
      host: url.hostname,
      port: Number(url.port || 22),
      username: url.username || "root",
      sshOptions: process.env.SSH_AUTH_SOCK ? { agent: process.env.SSH_AUTH_SOCK } : {},
    });
  }
  return new Docker({ protocol: "http", host: url.hostname, port: Number(url.port || 2375) });
}

/** Arguments that point the `docker` command at the same daemon. */
export const dockerCommand = (...args: string[]): string[] => ["--host", dockerEndpoint(), ...args];

/**
 * Whether the daemon answers within `timeoutMs` (default 5 s).
 *
 * @throws UserError (exit 3) when it does not.
 */
export async function requireDocker(docker = dockerClient(), timeoutMs = 5_000): Promise<void> {
  try {
    await Promise.race([
      docker.ping(),
      new Promise((_, reject) => {
        setTimeout(() => reject(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs).unref();
      }),
    ]);
  } catch (error) {
    throw new UserError(`the Docker daemon at ${dockerEndpoint()} does not answer`, {
      why: messageOf(error),
      fix: "start it (trilab doctor --fix), or point DOCKER_HOST at another",
      exitCode: ExitCode.hostNotReady,
      cause: error,
    });
  }
}

/**
 * Sets what bounds a running container where it is not so already, by Docker's update call: processes and threads,
 * for which the Pulumi provider has no input, and memory and CPUs, which somebody may have changed since.
 *
 * @param limits `memory` in bytes; `processes` default 256.
 */
export async function holdLimits(
  containerId: string,
  { cpus, memory, processes = 256 }: { cpus: number; memory: number; processes?: number },
): Promise<void> {
  const container = dockerClient().getContainer(containerId);
  const { HostConfig } = await container.inspect();
  const wanted = {
    PidsLimit: processes,
    Memory: memory,
    MemorySwap: memory,
    NanoCpus: Math.round(cpus * 1e9),
  };
  const held = (Object.keys(wanted) as (keyof typeof wanted)[]).every((k) => HostConfig[k] === wanted[k]);
  if (!held) await container.update(wanted);
}
