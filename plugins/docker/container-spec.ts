import type Docker from "dockerode";
import { type ContainerInputs, nanoseconds } from "./container-schema.js";
import { labelMap } from "./labels.js";

export const MIB = 1024 * 1024;

/** A container's inputs in the form of the daemon's API. Contains only what is set; the daemon chooses the rest. */
export function createOptions(inputs: ContainerInputs): Docker.ContainerCreateOptions {
  const first = inputs.networksAdvanced?.[0];
  return defined({
    name: inputs.name,
    Image: inputs.image,
    Hostname: inputs.hostname,
    Cmd: inputs.command,
    Entrypoint: inputs.entrypoints,
    User: inputs.user,
    WorkingDir: inputs.workingDir,
    Env: inputs.envs,
    Labels: labelMap(inputs.labels),
    StopTimeout: inputs.stopTimeout,
    StopSignal: inputs.stopSignal,
    ExposedPorts: inputs.ports && Object.fromEntries(inputs.ports.map((port) => [portKey(port), {}])),
    Healthcheck: inputs.healthcheck && {
      Test: inputs.healthcheck.tests,
      Interval: nanoseconds(inputs.healthcheck.interval ?? "0"),
      Timeout: nanoseconds(inputs.healthcheck.timeout ?? "0"),
      StartPeriod: nanoseconds(inputs.healthcheck.startPeriod ?? "0"),
      Retries: inputs.healthcheck.retries ?? 0,
    },
    HostConfig: hostConfig(inputs),
    // Older daemons accept only one network at creation; the others are connected before the start.
    NetworkingConfig: first && { EndpointsConfig: { [first.name]: endpoint(first) } },
  }) as Docker.ContainerCreateOptions;
}

function hostConfig(inputs: ContainerInputs): Docker.HostConfig {
  const volumes = inputs.volumes ?? [];
  return defined({
    Init: inputs.init,
    CapAdd: inputs.capabilities?.adds,
    CapDrop: inputs.capabilities?.drops,
    SecurityOpt: inputs.securityOpts,
    ...resources(inputs),
    ShmSize: inputs.shmSize === undefined ? undefined : inputs.shmSize * MIB,
    NetworkMode: inputs.networkMode ?? inputs.networksAdvanced?.[0]?.name,
    Binds: volumes
      .filter((volume) => volume.hostPath ?? volume.volumeName)
      .map(
        ({ hostPath, volumeName, containerPath, readOnly }) =>
          `${hostPath ?? volumeName}:${containerPath}:${readOnly ? "ro" : "rw"}`,
      ),
    VolumesFrom: volumes.flatMap(({ fromContainer, readOnly }) =>
      fromContainer === undefined ? [] : [`${fromContainer}:${readOnly ? "ro" : "rw"}`],
    ),
    Mounts: [...(inputs.mounts ?? []).map(mount), ...volumes.filter(isAnonymous).map(anonymous)],
    Tmpfs: inputs.tmpfs,
    PortBindings: inputs.ports && portBindings(inputs.ports),
    ReadonlyRootfs: inputs.readOnly,
    StorageOpt: inputs.storageOpts,
    Ulimits: inputs.ulimits?.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
    ExtraHosts: inputs.hosts?.map(({ host, ip }) => `${host}:${ip}`),
    Dns: inputs.dns,
    Sysctls: inputs.sysctls,
    LogConfig:
      inputs.logDriver === undefined && inputs.logOpts === undefined
        ? undefined
        : { Type: inputs.logDriver ?? "", Config: inputs.logOpts ?? {} },
    AutoRemove: inputs.rm,
    Privileged: inputs.privileged,
    GroupAdd: inputs.groupAdds,
    CgroupnsMode: inputs.cgroupnsMode,
    IpcMode: inputs.ipcMode,
    PidMode: inputs.pidMode,
  }) as Docker.HostConfig;
}

/**
 * The settings that can also be changed while the container runs, with Docker's update call. In it, 0 means "no change".
 */
export function resources(inputs: ContainerInputs): {
  Memory?: number;
  MemorySwap?: number;
  NanoCpus?: number;
  CpuShares?: number;
  CpusetCpus?: string;
  RestartPolicy: { Name: string; MaximumRetryCount: number };
} {
  const { memory, memorySwap } = inputs;
  return {
    ...(memory ? { Memory: memory * MIB } : {}),
    // 0 and absent both mean the default.
    ...(memorySwap ? { MemorySwap: memorySwap < 0 ? -1 : memorySwap * MIB } : {}),
    ...(inputs.cpus ? { NanoCpus: Math.round(Number(inputs.cpus) * 1e9) } : {}),
    ...(inputs.cpuShares ? { CpuShares: inputs.cpuShares } : {}),
    ...(inputs.cpuSet ? { CpusetCpus: inputs.cpuSet } : {}),
    RestartPolicy: { Name: inputs.restart ?? "no", MaximumRetryCount: inputs.maxRetryCount ?? 0 },
  };
}

type NetworkInput = NonNullable<ContainerInputs["networksAdvanced"]>[number];
type PortInput = NonNullable<ContainerInputs["ports"]>[number];
type MountInput = NonNullable<ContainerInputs["mounts"]>[number];
type VolumeInput = NonNullable<ContainerInputs["volumes"]>[number];

/** The container's settings in one network. */
export function endpoint(network: NetworkInput): Docker.EndpointSettings {
  return defined({
    Aliases: network.aliases,
    IPAMConfig: network.ipv4Address === undefined ? undefined : { IPv4Address: network.ipv4Address },
  }) as Docker.EndpointSettings;
}

const portKey = ({ internal, protocol }: PortInput): string => `${internal}/${protocol ?? "tcp"}`;

function portBindings(ports: readonly PortInput[]): Record<string, { HostIp: string; HostPort: string }[]> {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of ports) {
    const key = portKey(port);
    const list = bindings[key] ?? [];
    bindings[key] = list;
    list.push({ HostIp: port.ip ?? "0.0.0.0", HostPort: port.external ? String(port.external) : "" });
  }
  return bindings;
}

const isAnonymous = ({ hostPath, volumeName, fromContainer }: VolumeInput): boolean =>
  hostPath === undefined && volumeName === undefined && fromContainer === undefined;

const anonymous = ({ containerPath, readOnly }: VolumeInput): object => ({
  Type: "volume",
  Target: containerPath,
  ReadOnly: readOnly ?? false,
});

function mount({
  type,
  target,
  source,
  readOnly,
  bindOptions,
  tmpfsOptions,
  volumeOptions,
}: MountInput): object {
  return defined({
    Type: type,
    Target: target,
    Source: source,
    ReadOnly: readOnly ?? false,
    BindOptions: bindOptions && defined({ Propagation: bindOptions.propagation }),
    TmpfsOptions:
      tmpfsOptions &&
      defined({
        SizeBytes: tmpfsOptions.sizeBytes,
        Mode: tmpfsOptions.mode === undefined ? undefined : Number.parseInt(String(tmpfsOptions.mode), 8),
      }),
    VolumeOptions:
      volumeOptions &&
      defined({
        NoCopy: volumeOptions.noCopy,
        Labels: labelMap(volumeOptions.labels),
        DriverConfig:
          volumeOptions.driverName === undefined && volumeOptions.driverOptions === undefined
            ? undefined
            : { Name: volumeOptions.driverName ?? "local", Options: volumeOptions.driverOptions ?? {} },
      }),
  });
}

/** The object without its undefined members, because for the daemon, null differs from absent. */
function defined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Partial<T>;
}
