import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { type Ending, GRACE_MS, type StopOptions } from "../stop-options.js";
import { statusOf } from "./connect.js";

/**
 * Asks every process to end, except the main program, and waits until they have: the main program's end would kill them. The
 * shell of a terminal ignores SIGTERM, but not that its terminal hangs up. Exits with 0 if all have ended within that many tenths of
 * a second.
 */
const END_PROCESSES = `kill -TERM -1
for stat in /proc/[0-9]*/stat; do
  read -r pid line 2>/dev/null <"$stat" || continue
  read -r _ _ _ _ terminal _ <<<"\${line##*) }"
  [[ $terminal == 0 ]] || kill -HUP "$pid"
done
for ((i = 0; i < $1; i++)); do
  all=(/proc/[0-9]*)
  ((\${#all[@]} <= 2)) && exit
  sleep 0.1
done
exit 1`;

/** How often the end of that program is looked for, in milliseconds. */
const LOOK_MS = 50;

/**
 * Stops a container for good: the daemon does not start it again, not even after a restart of its own. (The policy
 * `on-failure` would, because the main program ends with 143 when it is stopped.)
 */
export async function stopContainer(
  container: Docker.Container,
  { force = false, graceMs = GRACE_MS, signal }: StopOptions = {},
): Promise<Ending> {
  const { HostConfig, State } = await container.inspect();
  if (HostConfig.RestartPolicy?.Name !== "no") await container.update({ RestartPolicy: { Name: "no" } });
  if (!State.Running) return "off";
  if (force) {
    await container.kill().catch(ignoreEnded);
    return "forced";
  }
  // A paused one can't end by itself.
  if (State.Paused) await container.unpause();
  const ended = await endProcesses(container, graceMs, signal);
  signal?.throwIfAborted();
  await container.stop({ t: GRACE_MS / 1000 }).catch(ignoreEnded);
  return ended ? "clean" : "forced";
}

/** @returns whether they have all ended in time; false also if the container has no room for one more process. */
async function endProcesses(
  container: Docker.Container,
  graceMs: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const tenths = String(Math.ceil(graceMs / 100));
  const exec = await container.exec({ Cmd: ["bash", "-c", END_PROCESSES, "bash", tenths], User: "root" });
  const started = await exec.start({ Detach: true }).then(
    () => true,
    () => false,
  );
  for (const until = Date.now() + graceMs + 2_000; started && Date.now() < until; ) {
    signal?.throwIfAborted();
    const { ExitCode, Running } = await exec.inspect();
    if (!Running) return ExitCode === 0;
    await sleep(LOOK_MS);
  }
  return false;
}

/** It has ended by itself meanwhile. */
function ignoreEnded(error: unknown): void {
  if (![304, 409].includes(statusOf(error) ?? 0)) throw error;
}
