import { readFileSync } from "node:fs";
import { join } from "node:path";
import Docker from "dockerode";
import { askingWith } from "../../base/asking.js";
import { ExitCode, hasCode, messageOf, UserError } from "../../base/errors.js";
import { type DockerEndpoint, hostnameOf, LOCAL } from "../../model/endpoint.js";
import { endWhenSilent } from "./silence.js";
import { sshAgent } from "./ssh-agent.js";

/** A parsed address of a daemon. */
export type Address =
  | { kind: "unix"; path: string }
  | { kind: "tcp"; host: string; port: number; tls: boolean }
  | { kind: "ssh"; target: string; port: number | undefined };

/**
 * Reads `unix:///path`, `tcp://host[:port]` (TLS if there are certificates, or the port is 2376) or
 * `ssh://[user@]host[:port]`.
 *
 * @throws UserError (exit 2) for anything else.
 */
export function parseAddress({ host, certPath }: Omit<DockerEndpoint, "kind">): Address {
  const fail = (why: string): never => {
    throw new UserError(`"${host}" is not a Docker endpoint`, {
      why,
      fix: `write unix:///path, tcp://host:port or ssh://user@host; the default is ${LOCAL.docker.host}`,
      exitCode: ExitCode.usage,
    });
  };
  if (host.startsWith("unix://")) {
    const path = host.slice("unix://".length) || LOCAL.docker.host.slice("unix://".length);
    return path.startsWith("/") ? { kind: "unix", path } : fail("the socket's path must be absolute");
  }
  if (!/^(tcp|ssh):\/\//.test(host)) return fail("only unix://, tcp:// and ssh:// are supported");
  if (!URL.canParse(host)) return fail("it is not a URL");
  const url = new URL(host);
  if (!url.hostname) return fail("it names no host");
  if (url.password) return fail("a password in the address would be stored in the state");
  if ((url.pathname !== "" && url.pathname !== "/") || url.search) return fail("it has a path");
  const port = url.port ? Number(url.port) : undefined;
  if (url.protocol === "ssh:") {
    const target = `${url.username && `${decodeURIComponent(url.username)}@`}${hostnameOf(url)}`;
    if (target.startsWith("-")) return fail("a host or user can't begin with a dash");
    return { kind: "ssh", target, port };
  }
  const tls = port === 2376 || certPath !== undefined;
  // docker-modem puts the host into a URL again, so an IPv6 address keeps its brackets.
  return { kind: "tcp", host: url.hostname, port: port ?? (tls ? 2376 : 2375), tls };
}

/**
 * A client of the daemon at this endpoint. Does not connect yet. Its requests fail (exit 3) when the daemon falls silent.
 *
 * @param sshConnections See {@link sshAgent}. Default: no limit.
 * @throws UserError when the address is invalid, or the certificates can't be read.
 */
export function dockerClient(endpoint: Omit<DockerEndpoint, "kind">, sshConnections?: number): Docker {
  // docker-modem fills missing fields from DOCKER_HOST and DOCKER_CERT_PATH, so every field is set.
  const nothing = {
    host: undefined,
    port: undefined,
    socketPath: undefined,
    username: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
    timeout: undefined,
    pathPrefix: undefined,
    protocol: "http",
  };
  const address = parseAddress(endpoint);
  const connect = (connections?: number): Docker => {
    const options = { ...nothing, ...optionsOf(address, endpoint.certPath, connections) };
    return new Docker(options as unknown as Docker.DockerOptions);
  };
  const client = connect(sshConnections);
  endWhenSilent(
    client,
    connect(),
    () =>
      new UserError(`the Docker daemon at ${endpoint.host} has stopped answering`, {
        why: "it answered neither a request nor a ping beside it",
        fix: "restart it, or check the network; then run the command again",
        exitCode: ExitCode.hostNotReady,
      }),
  );
  return client;
}

function optionsOf(address: Address, certPath?: string, sshConnections?: number): object {
  if (address.kind === "unix") return { socketPath: address.path };
  // The host and port are never used: the agent connects to `docker system dial-stdio` on the other host.
  if (address.kind === "ssh") return { host: "docker", port: 80, agent: sshAgent(address, sshConnections) };
  const { host, port } = address;
  return address.tls ? { host, port, protocol: "https", ...certificates(certPath) } : { host, port };
}

function certificates(dir: string | undefined): { ca: Buffer; cert: Buffer; key: Buffer } | object {
  if (dir === undefined) return {};
  try {
    const [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map((name) => readFileSync(join(dir, name)));
    return { ca, cert, key };
  } catch (error) {
    throw new UserError("the Docker client's certificates can't be read", {
      why: messageOf(error),
      fix: "DOCKER_CERT_PATH is the folder with ca.pem, cert.pem and key.pem; a seat keeps the folder with which it was made",
      exitCode: ExitCode.hostNotReady,
    });
  }
}

/** The `docker` command's arguments that select this endpoint, followed by `args`. */
export const dockerCommand = ({ host, certPath }: DockerEndpoint, ...args: string[]): string[] => [
  "--host",
  host,
  ...(certPath === undefined
    ? []
    : [
        "--tlsverify",
        ...["--tlscacert", join(certPath, "ca.pem")],
        ...["--tlscert", join(certPath, "cert.pem")],
        ...["--tlskey", join(certPath, "key.pem")],
      ]),
  ...args,
];

/** The HTTP status of a daemon's answer, if it was one. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof Error && "statusCode" in error && typeof error.statusCode === "number"
    ? error.statusCode
    : undefined;
}

/** Lets the daemon's answers with these status codes pass. */
export const passOver =
  (...codes: number[]) =>
  (error: unknown): void => {
    if (!codes.includes(statusOf(error) ?? 0)) throw error;
  };

export const isGone = (error: unknown): boolean => statusOf(error) === 404;

/** The daemon's message, without the library's "(HTTP code 409) unexpected -". */
export function daemonSays(error: unknown): string {
  if (error instanceof Error && "json" in error) {
    const { json } = error;
    if (typeof json === "object" && json !== null && "message" in json) return String(json.message);
  }
  return messageOf(error)
    .replace(/^\(HTTP code \d+\) [^-]*- /, "")
    .trim();
}

/**
 * Wraps an error of a call to the daemon: unreachable (exit 3), or refused. UserErrors pass unchanged.
 *
 * @param what What didn't work: `container "x" could not be created`.
 */
export function daemonError(what: string, error: unknown, fix?: string): UserError {
  if (error instanceof UserError) return error;
  if (statusOf(error) !== undefined)
    return new UserError(what, {
      why: daemonSays(error),
      fix: fix ?? "change the inputs so that the daemon accepts them, then run it again",
      cause: error,
    });
  const missing = hasCode(error, "ENOENT", "ECONNREFUSED");
  return new UserError(`${what}: the Docker daemon can't be reached`, {
    why: messageOf(error),
    fix: missing
      ? "start dockerd, or set docker:host (or DOCKER_HOST) to the daemon's address; the state is unchanged"
      : "check the connection to the daemon (docker:host, DOCKER_HOST) and your permission to use it; the state is unchanged",
    exitCode: ExitCode.hostNotReady,
    cause: error,
  });
}

/** Run one call, and convert its errors with `daemonError`. */
export const { asking, lookUp } = askingWith(daemonError, isGone);
