import Docker from "dockerode";
import { ExitCode, messageOf, UserError } from "../../base/errors.js";

/** The Docker endpoint in force: TRILAB_DOCKER_HOST, then DOCKER_HOST, then the local socket. */
export const dockerEndpoint = (): string =>
  process.env.TRILAB_DOCKER_HOST || process.env.DOCKER_HOST || "unix:///var/run/docker.sock";

export const dockerIsLocal = (): boolean => dockerEndpoint().startsWith("unix://");

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
 * For plain `pulumi up`, whose environment is the user's.
 *
 * @throws UserError when DOCKER_CONTEXT names a daemon: the official plugin would make everything there, and all else look here.
 */
export function refuseDockerContext(env: NodeJS.ProcessEnv = process.env): void {
  if (!env.DOCKER_CONTEXT) return;
  throw new UserError(`DOCKER_CONTEXT is "${env.DOCKER_CONTEXT}"`, {
    why: "Pulumi's Docker plugin follows it whatever docker:host says; nothing else here does, so each would ask another daemon",
    fix: "unset DOCKER_CONTEXT, and name the daemon by its address: pulumi config set docker:host …",
    exitCode: ExitCode.usage,
  });
}

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

/** Whether the daemon keeps limits of swap; it can't where its kernel does not account for it. */
export async function limitsSwap(docker = dockerClient()): Promise<boolean> {
  const { SwapLimit } = (await docker.info()) as { SwapLimit?: boolean };
  return SwapLimit !== false;
}
