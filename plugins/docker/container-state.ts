import type Docker from "dockerode";
import type { Found, Known } from "../harness/resource.js";
import { bag, type PropertyMap, same } from "../harness/values.js";
import { containerRules } from "./container-rules.js";
import { MIB } from "./container-spec.js";
import { labelList, nonEmpty } from "./labels.js";

/** Outputs that are no inputs, or whose default only the daemon or the image knows. */
export const computedOutputs = [
  "bridge",
  "command",
  "containerLogs",
  "entrypoints",
  "exitCode",
  "healthcheck",
  "hostname",
  "init",
  "ipcMode",
  "logDriver",
  "networkDatas",
  "runtime",
  "securityOpts",
  "shmSize",
  "stopSignal",
  "stopTimeout",
] as const;

/**
 * What the official plugin stores in its state even without an input. It replaces a container whose state has no `stdinOpen`
 * or `tty`, and updates one without the others.
 */
function officialOutputs({ Config: config, HostConfig: host }: Docker.ContainerInspectInfo): PropertyMap {
  return {
    stdinOpen: config.OpenStdin ?? false,
    tty: config.Tty ?? false,
    memoryReservation: (host.MemoryReservation ?? 0) / MIB,
    containerReadRefreshTimeoutMilliseconds: 15_000,
  };
}

/** Inputs about how we handle the container, which the daemon does not know. */
const OURS = ["attach", "logs", "start", "wait", "waitTimeout", "destroyGraceSeconds", "removeVolumes"];

/** What somebody else can change while the container stays the same; everything else is fixed in the daemon. */
const MUTABLE = ["name", "memory", "memorySwap", "cpus", "cpuShares", "cpuSet", "restart", "maxRetryCount"];

/**
 * The container as it is, as the SDK's outputs.
 *
 * A property that was set stays as it was written while it agrees with the container; the others show the daemon's values.
 */
export function stateOf(
  info: Docker.ContainerInspectInfo,
  known: Known,
  image?: Docker.ImageInspectInfo,
): Found {
  const live = { ...bag(liveProperties(info, image)), ...officialOutputs(info) };
  const { __defaults, ...asked } = known.inputs;
  if (Object.keys(asked).length === 0) return imported(info, live, image);
  const outs: PropertyMap = { ...live };
  const inputs: PropertyMap = { ...known.inputs };
  for (const [key, value] of Object.entries(asked)) {
    const rule = containerRules[key as keyof typeof containerRules];
    const has = live[key];
    if (MUTABLE.includes(key) && !same(has, value) && !rule?.agrees?.(has, value)) inputs[key] = has;
    else outs[key] = value;
  }
  if (Array.isArray(asked.ports)) outs.ports = live.ports;
  for (const key of OURS)
    outs[key] = asked[key] ?? containerRules[key as keyof typeof containerRules].default;
  // As in the official provider, this says that it has stopped; the next `up` then starts it again.
  if (asked.mustRun !== false) outs.mustRun = asked.start === false || info.State.Running;
  const kept = known.state.containerLogs;
  return { id: info.Id, outs: { ...outs, containerLogs: kept ?? "" }, inputs };
}

/** Whether the daemon or the image has set a property without an input: an import must not make it an input. */
function isImplied(key: string, live: PropertyMap, image: Docker.ImageInspectInfo | undefined): boolean {
  switch (key) {
    case "command":
      return same(live.command, image?.Config?.Cmd ?? []);
    case "user":
      return same(live.user, image?.Config?.User);
    case "workingDir":
      return same(live.workingDir, image?.Config?.WorkingDir);
    case "memorySwap":
      return live.memorySwap === 0 || live.memorySwap === Number(live.memory) * 2;
    case "networkMode":
      return live.networkMode === "default" || live.networksAdvanced !== undefined;
    case "logOpts":
      return true;
    default:
      return (computedOutputs as readonly string[]).includes(key);
  }
}

/** The result of an import. Its inputs are the properties that differ from a container without inputs. */
function imported(
  info: Docker.ContainerInspectInfo,
  live: PropertyMap,
  image: Docker.ImageInspectInfo | undefined,
): Found {
  const inputs: PropertyMap = {};
  for (const [key, rule] of Object.entries(containerRules))
    if (live[key] !== undefined && live[key] !== rule.default && !isImplied(key, live, image))
      inputs[key] = live[key];
  const ours = Object.fromEntries(
    OURS.map((key) => [key, containerRules[key as keyof typeof containerRules].default]),
  );
  return {
    id: info.Id,
    outs: { ...live, ...ours, mustRun: info.State.Running, containerLogs: "" },
    inputs,
  };
}

function liveProperties(info: Docker.ContainerInspectInfo, image?: Docker.ImageInspectInfo): object {
  const { Config: config, HostConfig: host } = info;
  const fromImage = new Set(image?.Config?.Env ?? []);
  const imageLabels = image?.Config?.Labels ?? {};
  const extended = host as typeof host & { Init?: boolean | null; Tmpfs?: Record<string, string> };
  const health = (config as { Healthcheck?: Docker.HealthConfig }).Healthcheck;
  const stopping = config as { StopSignal?: string; StopTimeout?: number };
  return {
    name: info.Name.replace(/^\//, ""),
    image: config.Image,
    hostname: config.Hostname,
    command: config.Cmd ?? [],
    entrypoints: asList(config.Entrypoint),
    init: extended.Init ?? false,
    user: config.User || undefined,
    workingDir: config.WorkingDir || undefined,
    envs: (config.Env ?? []).filter((item) => !fromImage.has(item)),
    labels: labelList(config.Labels).filter(({ label, value }) => imageLabels[label] !== value),
    capabilities:
      host.CapAdd?.length || host.CapDrop?.length
        ? { adds: host.CapAdd ?? undefined, drops: host.CapDrop ?? undefined }
        : undefined,
    securityOpts: host.SecurityOpt ?? [],
    memory: (host.Memory ?? 0) / MIB,
    memorySwap: (host.MemorySwap ?? 0) < 0 ? -1 : (host.MemorySwap ?? 0) / MIB,
    shmSize: (host.ShmSize ?? 0) / MIB,
    cpus: host.NanoCpus ? String(host.NanoCpus / 1e9) : undefined,
    cpuShares: host.CpuShares ?? 0,
    cpuSet: host.CpusetCpus ?? "",
    networkMode: host.NetworkMode,
    networksAdvanced: userNetworks(info),
    volumes: nonEmpty((host.Binds ?? []).map(bind)),
    mounts: nonEmpty((host.Mounts ?? []).map(mountOf)),
    tmpfs: nonEmpty(extended.Tmpfs),
    ports: nonEmpty(publishedPorts(info)),
    restart: host.RestartPolicy?.Name || "no",
    maxRetryCount: host.RestartPolicy?.MaximumRetryCount ?? 0,
    readOnly: host.ReadonlyRootfs ?? false,
    storageOpts: nonEmpty(host.StorageOpt),
    ulimits: nonEmpty(
      (host.Ulimits as { Name: string; Soft: number; Hard: number }[] | null)?.map((limit) => ({
        name: limit.Name,
        soft: limit.Soft,
        hard: limit.Hard,
      })),
    ),
    hosts: nonEmpty((host.ExtraHosts as string[] | null)?.map((item) => split(item))),
    dns: nonEmpty(host.Dns),
    sysctls: nonEmpty(host.Sysctls),
    logDriver: host.LogConfig?.Type,
    logOpts: nonEmpty(host.LogConfig?.Config as Record<string, string> | null),
    rm: host.AutoRemove ?? false,
    privileged: host.Privileged ?? false,
    groupAdds: nonEmpty(host.GroupAdd),
    // Without cgroupnsMode: if there is no input for it, the official plugin would replace a container whose state has one.
    ipcMode: host.IpcMode ?? "",
    pidMode: host.PidMode || undefined,
    healthcheck: health?.Test
      ? {
          tests: health.Test,
          interval: seconds(health.Interval),
          timeout: seconds(health.Timeout),
          startPeriod: seconds(health.StartPeriod),
          retries: health.Retries ?? 0,
        }
      : undefined,
    stopSignal: stopping.StopSignal ?? "SIGTERM",
    stopTimeout: stopping.StopTimeout ?? 0,
    runtime: (host as { Runtime?: string }).Runtime ?? "",
    bridge: (info.NetworkSettings as { Bridge?: string }).Bridge ?? "",
    exitCode: info.State.ExitCode,
    networkDatas: Object.entries(info.NetworkSettings.Networks ?? {}).map(([networkName, network]) => ({
      networkName,
      ipAddress: network.IPAddress ?? "",
      ipPrefixLength: network.IPPrefixLen ?? 0,
      gateway: network.Gateway ?? "",
      macAddress: network.MacAddress ?? "",
      globalIpv6Address: network.GlobalIPv6Address ?? "",
      globalIpv6PrefixLength: network.GlobalIPv6PrefixLen ?? 0,
      ipv6Gateway: network.IPv6Gateway ?? "",
    })),
  };
}

const asList = (value: string | string[] | null | undefined): string[] =>
  value === null || value === undefined ? [] : Array.isArray(value) ? value : [value];

const seconds = (nanos: number | undefined): string => `${(nanos ?? 0) / 1e9}s`;

function split(hostAndIp: string): { host: string; ip: string } {
  const at = hostAndIp.indexOf(":");
  return { host: hostAndIp.slice(0, at), ip: hostAndIp.slice(at + 1) };
}

function bind(text: string): object {
  const [source = "", containerPath = "", mode = "rw"] = text.split(":");
  return {
    ...(source.startsWith("/") ? { hostPath: source } : { volumeName: source }),
    containerPath,
    readOnly: mode.split(",").includes("ro"),
  };
}

function mountOf(mount: Docker.MountSettings): object {
  return {
    type: mount.Type,
    target: mount.Target,
    source: mount.Source || undefined,
    readOnly: mount.ReadOnly ?? false,
  };
}

function publishedPorts(info: Docker.ContainerInspectInfo): object[] {
  const asked = info.HostConfig.PortBindings as Record<
    string,
    { HostIp?: string; HostPort?: string }[]
  > | null;
  const actual = info.NetworkSettings.Ports ?? {};
  return Object.entries(asked ?? {}).flatMap(([key, bindings]) => {
    const [internal, protocol] = key.split("/");
    return (bindings ?? []).map((binding) => {
      const ip = binding.HostIp || "0.0.0.0";
      // Only a running container has ports. A port on "0.0.0.0" may also be published on "::".
      const live = actual[key]?.find((item) => (item.HostIp || "0.0.0.0") === ip);
      return {
        internal: Number(internal),
        external: Number(binding.HostPort || live?.HostPort || 0),
        ip,
        protocol: protocol ?? "tcp",
      };
    });
  });
}

const BUILT_IN: ReadonlySet<string> = new Set(["bridge", "host", "none"]);

function userNetworks(info: Docker.ContainerInspectInfo): object[] | undefined {
  const list = Object.entries(info.NetworkSettings.Networks ?? {}).filter(([name]) => !BUILT_IN.has(name));
  if (list.length === 0) return undefined;
  return list.map(([name, network]) => ({
    name,
    // The daemon adds the container's short ID.
    aliases: nonEmpty(((network.Aliases ?? []) as string[]).filter((alias) => !info.Id.startsWith(alias))),
    ipv4Address: network.IPAMConfig?.IPv4Address || undefined,
  }));
}
