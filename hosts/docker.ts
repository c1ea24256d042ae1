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
 * Bounds the processes of a running container; Docker's update call, as the Pulumi provider has no such input.
 *
 * @param limit processes and threads together; DESIGN's default is 256.
 */
export async function limitProcesses(containerId: string, limit = 256): Promise<void> {
  const container = dockerClient().getContainer(containerId);
  const { HostConfig } = await container.inspect();
  if (HostConfig.PidsLimit !== limit) await container.update({ PidsLimit: limit });
}
