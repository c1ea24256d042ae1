import type Docker from "dockerode";
import { UserError } from "../../base/errors.js";
import { pollUntil } from "../../base/poll.js";
import { asking, daemonError, isGone, passOver } from "../../drivers/docker/connect.js";
import { lastLines } from "../../drivers/docker/output.js";
import type { ContainerInputs } from "./container-schema.js";

/** How long a container must stay up after its start to count as running, in milliseconds. */
const SETTLE_MS = 250;

/** The time between two queries of a health check, in milliseconds. */
const HEALTH_POLL_MS = 200;

/** The default of `waitTimeout`, in seconds. */
const WAIT_TIMEOUT_S = 60;

/** The result of `attach`. */
export interface Ended {
  exitCode: number;
  /** Its output; `undefined` if `logs` was not set. */
  logs: string | undefined;
}

/**
 * Starts the container and does what `mustRun`, `wait` and `attach` request.
 *
 * @returns with `attach`, how it ended.
 * @throws UserError when it does not start, does not stay up or does not get healthy; the signal's reason when cancelled.
 */
export async function run(
  docker: Docker,
  container: Docker.Container,
  inputs: ContainerInputs,
  signal: AbortSignal,
): Promise<Ended | undefined> {
  const name = `container "${inputs.name}"`;
  // Requested before the start, because a container that removes itself at its end may be gone soon after it.
  const ended = inputs.attach ? waitForEnd(container) : undefined;
  ended?.catch(() => {});
  const output = inputs.attach && inputs.logs ? follow(docker, container) : undefined;
  output?.catch(() => {});
  if (output) await output;
  // 304: its restart policy has just started it.
  await asking(`${name} could not be started`, () => container.start().catch(passOver(304)));
  if (ended) {
    const exitCode = await untilAborted(
      asking(`${name} could not be watched until its end`, () => ended),
      signal,
    );
    return { exitCode, logs: output && (await (await output).text) };
  }
  if (inputs.mustRun !== false) await settle(container, name, signal);
  if (inputs.wait) await healthy(container, name, inputs.waitTimeout ?? WAIT_TIMEOUT_S, signal);
  return undefined;
}

async function waitForEnd(container: Docker.Container): Promise<number> {
  const result: unknown = await container.wait({ condition: "next-exit" });
  return typeof result === "object" && result !== null && "StatusCode" in result
    ? Number(result.StatusCode)
    : 0;
}

/** Attaches to the output. Called before the start, so that no output is missed. */
async function follow(docker: Docker, container: Docker.Container): Promise<{ text: Promise<string> }> {
  const stream = await container.attach({ stream: true, stdout: true, stderr: true });
  let all = "";
  const { PassThrough } = await import("node:stream");
  const sink = new PassThrough();
  sink.on("data", (chunk: Buffer) => {
    all += chunk.toString("utf8");
  });
  docker.modem.demuxStream(stream, sink, sink);
  const text = new Promise<string>((resolve) => {
    stream.once("end", () => resolve(all));
    stream.once("close", () => resolve(all));
  });
  return { text };
}

/** @throws UserError when the container ends, or ends and is restarted, within the settling time. */
async function settle(container: Docker.Container, name: string, signal: AbortSignal): Promise<void> {
  const calm = new AbortController();
  const end = container.wait({ condition: "not-running", abortSignal: calm.signal }).then(
    () => true,
    (error: unknown) => isGone(error),
  );
  const ended = await untilAborted(Promise.race([end, delay(SETTLE_MS).then(() => false)]), signal).finally(
    () => calm.abort(),
  );
  if (!ended) return;
  const info = await container.inspect().catch(() => undefined);
  // With a restart policy, it may have started again; that does not count as running.
  const code = info?.State.ExitCode;
  const killed = info?.State.OOMKilled ? "it was killed because it had too little memory" : undefined;
  const text = info ? await lastLines(container) : "";
  throw new UserError(`${name} did not stay up`, {
    why: [killed ?? `it ended with exit code ${code ?? "unknown"}`, text && `its last output:\n${text}`]
      .filter(Boolean)
      .join("; "),
    fix: "check its command and image; set mustRun: false if it is meant to end",
  });
}

async function healthy(
  container: Docker.Container,
  name: string,
  timeoutSeconds: number,
  signal: AbortSignal,
): Promise<void> {
  const unhealthy = (state: Docker.ContainerInspectInfo["State"]): UserError => {
    const last = state.Health?.Log?.at(-1)?.Output?.trim();
    return new UserError(`${name} did not become healthy`, {
      why: `${state.Running ? `it is ${state.Health?.Status} after at most ${timeoutSeconds} s` : "it ended"}${last ? `; its check said: ${last}` : ""}`,
      fix: "check the health check's command, or raise waitTimeout (seconds)",
    });
  };
  let last: Docker.ContainerInspectInfo["State"] | undefined;
  const healthy = async (): Promise<boolean> => {
    const { State: state } = await asking(`${name} could not be read`, () => container.inspect());
    const health = state.Health;
    if (!health || health.Status === "none")
      throw new UserError(`${name} can't be waited for`, {
        why: "wait is set, but the container has no health check",
        fix: "set a healthcheck, or remove wait",
      });
    last = state;
    if (health.Status === "healthy") return true;
    if (!state.Running || health.Status === "unhealthy") throw unhealthy(state);
    return false;
  };
  const limitMs = timeoutSeconds * 1000;
  if (!(await pollUntil(healthy, { limitMs, everyMs: HEALTH_POLL_MS, signal })) && last)
    throw unhealthy(last);
}

/**
 * Removes a container, and waits until it is gone. Succeeds if it is already gone.
 *
 * @param graceSeconds How long it may take to end after SIGTERM; 0 kills it at once.
 * @param volumes Whether to remove its anonymous volumes, too.
 */
export async function remove(
  container: Docker.Container,
  what: string,
  graceSeconds: number,
  volumes: boolean,
): Promise<void> {
  try {
    if (graceSeconds > 0) await container.stop({ t: graceSeconds }).catch(passOver(304, 404));
    await container.remove({ force: true, v: volumes }).catch(passOver(404, 409));
    // 409 means that it is already being removed (rm: true). Also after success, its name may not be free yet.
    await container.wait({ condition: "removed" }).catch(passOver(404));
  } catch (error) {
    throw daemonError(what, error);
  }
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The promise's result, unless the run is cancelled before. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
