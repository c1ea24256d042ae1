import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { UserError } from "../../base/errors.js";
import { formatSize } from "../../model/units.js";
import { lastLines } from "./output.js";

/** How a container should be. */
export interface ContainerWanted {
  cpus: number;
  /** Bytes. */
  memory: number;
  /** PID limit; default 256. */
  processes?: number;
  /** Bytes: the largest size of a file. Only for a Swarm's service, for which the Docker provider has no input. */
  disk?: number;
  /** Whether the daemon can limit swap; default true. */
  swapLimit?: boolean;
  /** The network to which it belongs, and its address there. */
  network?: { name: string; address: string };
}

/** How long a container that was started must stay up to count as running, in milliseconds. */
const SETTLE_MS = 250;

/** The main program ends with 0 at expiry, and then stays stopped. */
const RESTART_POLICY = { Name: "on-failure", MaximumRetryCount: 0 } as const;

/** Docker's default weight; it can't be unset again. */
const DEFAULT_SHARES = 1024;

/**
 * Repairs a container without replacing it: starts it, connects its network, and sets its limits and restart policy. This
 * undoes manual changes, which no plugin notices. It also applies the PID limit, for which the Docker provider has no
 * input, and the CPUs, for which the provider would replace the container.
 *
 * @returns what it changed, in words. The PID limit of a new container does not count.
 * @throws UserError when the container does not stay up.
 */
export async function mendContainer(
  containerId: string,
  wanted: ContainerWanted,
  docker: Docker,
): Promise<string[]> {
  const container = docker.getContainer(containerId);
  const info = await container.inspect();
  const done: string[] = [];
  if (info.State.Paused) {
    await container.unpause();
    done.push("resumed, as it was paused");
  }
  if (wanted.network && (await joinNetwork(docker, info, wanted.network)))
    done.push("put back on its network");
  done.push(...(await holdLimits(docker, container, info, wanted)));
  if (!info.State.Running) {
    await startContainer(container);
    done.push("started, as it was stopped");
  }
  // A container that its restart policy starts again and again is sometimes running.
  if (!info.State.Running || info.State.Restarting || info.RestartCount > 0) await requireSteady(container);
  return done;
}

/** @throws UserError when the container ends or is restarted within a moment. */
async function requireSteady(container: Docker.Container): Promise<void> {
  const before = await container.inspect();
  await sleep(SETTLE_MS);
  const after = await container.inspect();
  const steady =
    after.State.StartedAt === before.State.StartedAt && after.RestartCount === before.RestartCount;
  if (!after.State.Running || after.State.Restarting || !steady) throw await notRunning(container, after);
}

/** Starts a container. Succeeds if it runs already, for example because its restart policy just started it. */
export async function startContainer(container: Docker.Container): Promise<void> {
  await container.start().catch((error: unknown) => {
    if (!(error instanceof Error && "statusCode" in error && error.statusCode === 304)) throw error;
  });
}

/**
 * Starts a container that is stopped, and sets its restart policy, which stopContainer() has taken away. It can't start if its network is gone: then it is disconnected from that network, and
 * stays stopped until {@link mendContainer} connects it to the new one.
 *
 * @throws UserError when it does not stay up.
 */
export async function startOrLeaveNetwork(id: string, docker: Docker): Promise<void> {
  const container = docker.getContainer(id);
  const { HostConfig } = await container.inspect();
  if (HostConfig.RestartPolicy?.Name === "no") await container.update({ RestartPolicy: RESTART_POLICY });
  try {
    await startContainer(container);
  } catch (error) {
    const { Name, NetworkSettings } = await container.inspect();
    const own = Name.replace(/^\//, "");
    const isMissing = error instanceof Error && /network \S+ not found/.test(error.message);
    if (!isMissing || !(own in NetworkSettings.Networks)) throw error;
    await docker.getNetwork(own).disconnect({ Container: id, Force: true });
    return;
  }
  await requireSteady(container);
}

/** @returns whether it had to be connected. */
async function joinNetwork(
  docker: Docker,
  info: Docker.ContainerInspectInfo,
  { address, name }: { name: string; address: string },
): Promise<boolean> {
  const joined = info.NetworkSettings.Networks[name];
  if (joined?.IPAMConfig?.IPv4Address === address) return false;
  const network = docker.getNetwork(name);
  if (joined) await network.disconnect({ Container: info.Id, Force: true });
  await network.connect({
    Container: info.Id,
    EndpointConfig: { IPAMConfig: { IPv4Address: address } },
  });
  return true;
}

/** One property of a container that Docker can change while it runs. */
interface Limit {
  title: string;
  /** The arguments of Docker's update call. */
  change: object;
  holds: boolean;
  /** The old value in words; absent: there was none. */
  had?: string | undefined;
  to: string;
}

/** Sets the limits that differ. */
async function holdLimits(
  docker: Docker,
  container: Docker.Container,
  { HostConfig: host }: Docker.ContainerInspectInfo,
  { cpus, memory, processes = 256, swapLimit = true }: ContainerWanted,
): Promise<string[]> {
  const swap = swapLimit ? memory : -1;
  const nanoCpus = Math.round(cpus * 1e9);
  const { MaximumRetryCount: retries = 0, Name: restart = "no" } = host.RestartPolicy ?? {};
  const size = (bytes: number | undefined): string =>
    bytes !== undefined && bytes > 0 ? formatSize(bytes) : "no limit";
  const limits: Limit[] = [
    {
      title: "PID limit",
      change: { PidsLimit: processes },
      holds: host.PidsLimit === processes,
      had: typeof host.PidsLimit === "number" ? String(host.PidsLimit) : undefined,
      to: String(processes),
    },
    {
      title: "memory",
      // Docker accepts neither without the other.
      change: { Memory: memory, MemorySwap: swap },
      holds: host.Memory === memory && host.MemorySwap === swap,
      had:
        size(host.Memory) + (host.MemorySwap === host.Memory ? "" : `, with swap ${size(host.MemorySwap)},`),
      to: size(memory),
    },
    {
      title: "CPUs",
      change: { NanoCpus: nanoCpus },
      holds: host.NanoCpus === nanoCpus,
      had: host.NanoCpus ? String(host.NanoCpus / 1e9) : "no limit",
      to: String(cpus),
    },
    {
      title: "CPU shares",
      change: { CpuShares: DEFAULT_SHARES },
      holds: [undefined, 0, DEFAULT_SHARES].includes(host.CpuShares),
      had: String(host.CpuShares),
      to: String(DEFAULT_SHARES),
    },
    {
      title: "restart policy",
      change: { RestartPolicy: RESTART_POLICY },
      holds: restart === RESTART_POLICY.Name && retries === RESTART_POLICY.MaximumRetryCount,
      had: retries > 0 ? `${restart}:${retries}` : restart || "no",
      to: RESTART_POLICY.Name,
    },
    ...(await cpuSet(docker, host.CpusetCpus)),
  ];
  const off = limits.filter(({ holds }) => !holds);
  if (off.length === 0) return [];
  await container.update(Object.assign({}, ...off.map(({ change }) => change)));
  return off.flatMap(({ title, had, to }) =>
    had === undefined ? [] : [`${title} set from ${had} to ${to}`],
  );
}

/** Docker can't remove a CPU set, so the container is given every CPU instead. */
async function cpuSet(docker: Docker, had: string | undefined): Promise<Limit[]> {
  if (!had) return [];
  const { NCPU } = (await docker.info()) as { NCPU: number };
  const all = NCPU > 1 ? `0-${NCPU - 1}` : "0";
  return [{ title: "CPUs it may run on", change: { CpusetCpus: all }, holds: had === all, had, to: all }];
}

async function notRunning(
  container: Docker.Container,
  { Name, State: { Error: error, ExitCode: code, Restarting: restarting } }: Docker.ContainerInspectInfo,
): Promise<UserError> {
  const said = await lastLines(container);
  const ended =
    error ||
    (restarting
      ? `its program ends again right after each start, the last time with exit code ${code}`
      : `its program ended with exit code ${code}`);
  return new UserError(`container ${Name.replace(/^\//, "")} does not stay up`, {
    why: said ? `${ended}; its last output:\n${said}` : ended,
    fix: "its main program may have been changed inside; copy out what you need (trilab cp), then: trilab down, trilab up",
  });
}
