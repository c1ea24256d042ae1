import type Docker from "dockerode";
import { nanoseconds } from "./container-schema.js";
import { labelList, labelMap, nonEmpty } from "./labels.js";
import type { ServiceInputs, TaskInputs } from "./service-schema.js";

/** A service's inputs in the form of the daemon's API. What is not an input has the daemon's default. */
export function serviceSpec(inputs: ServiceInputs): Docker.ServiceSpec {
  const { taskSpec: task } = inputs;
  const { restartPolicy: restart } = task;
  return {
    Name: inputs.name,
    Labels: labelMap(inputs.labels),
    Mode: { Replicated: { Replicas: inputs.mode?.replicated?.replicas ?? 1 } },
    ...(inputs.endpointSpec?.mode ? { EndpointSpec: { Mode: inputs.endpointSpec.mode } } : {}),
    TaskTemplate: {
      ContainerSpec: containerSpec(task.containerSpec),
      Resources: {
        Limits: {
          MemoryBytes: task.resources?.limits?.memoryBytes ?? 0,
          NanoCPUs: task.resources?.limits?.nanoCpus ?? 0,
        },
      },
      ...(restart
        ? {
            RestartPolicy: {
              Condition: restart.condition ?? "any",
              ...(restart.delay === undefined ? {} : { Delay: nanoseconds(restart.delay) }),
              ...(restart.maxAttempts === undefined ? {} : { MaxAttempts: restart.maxAttempts }),
              ...(restart.window === undefined ? {} : { Window: nanoseconds(restart.window) }),
            },
          }
        : {}),
      Placement: { Constraints: task.placement?.constraints ?? [] },
      Networks: (task.networksAdvanceds ?? []).map(({ aliases, name }) => ({
        Target: name,
        ...(aliases ? { Aliases: aliases } : {}),
      })),
      ...(task.logDriver
        ? { LogDriver: { Name: task.logDriver.name, Options: task.logDriver.options ?? {} } }
        : {}),
      ForceUpdate: task.forceUpdate ?? 0,
    },
  };
}

function containerSpec(container: TaskInputs["containerSpec"]): Docker.ContainerSpec {
  const { env } = container;
  const spec = {
    Image: container.image,
    Command: container.commands,
    Args: container.args,
    Hostname: container.hostname,
    Env: env && Object.entries(env).map(([key, value]) => `${key}=${value}`),
    User: container.user,
    Labels: container.labels && labelMap(container.labels),
    Init: container.init,
    ReadOnly: container.readOnly,
    CapabilityAdd: container.capAdds,
    CapabilityDrop: container.capDrops,
    Mounts: container.mounts?.map(({ readOnly, source, target, type, volumeOptions }) => ({
      Type: type,
      Target: target,
      Source: source ?? "",
      ReadOnly: readOnly ?? false,
      ...(volumeOptions
        ? { VolumeOptions: { Labels: labelMap(volumeOptions.labels), NoCopy: volumeOptions.noCopy ?? false } }
        : {}),
    })),
    StopGracePeriod:
      container.stopGracePeriod === undefined ? undefined : nanoseconds(container.stopGracePeriod),
  };
  return Object.fromEntries(
    Object.entries(spec).filter(([, value]) => value !== undefined),
  ) as Docker.ContainerSpec;
}

/** A service as the daemon reports it, in the form of the SDK. What the SDK has no name for, such as ulimits, is left out. */
export function inputsOf(spec: Docker.ServiceSpec): object {
  // The types have no replicated mode with its number, and a task that runs something other than a container.
  const { EndpointSpec, Mode } = spec as {
    EndpointSpec?: { Mode?: string };
    Mode?: { Replicated?: { Replicas?: number } };
  };
  const task = (spec.TaskTemplate ?? {}) as Docker.ContainerTaskSpec;
  const {
    ContainerSpec: container = {},
    LogDriver: log,
    Placement,
    Resources,
    RestartPolicy: restart,
  } = task;
  return {
    name: spec.Name,
    labels: nonEmpty(labelList(spec.Labels)),
    mode: { replicated: { replicas: Mode?.Replicated?.Replicas ?? 1 } },
    endpointSpec: { mode: EndpointSpec?.Mode ?? "vip" },
    taskSpec: {
      containerSpec: {
        image: container.Image,
        commands: nonEmpty(container.Command),
        args: nonEmpty(container.Args),
        hostname: container.Hostname || undefined,
        env: nonEmpty(Object.fromEntries((container.Env ?? []).map(splitVariable))),
        user: container.User || undefined,
        labels: nonEmpty(labelList(container.Labels)),
        init: container.Init,
        readOnly: container.ReadOnly ?? false,
        capAdds: nonEmpty(container.CapabilityAdd),
        capDrops: nonEmpty(container.CapabilityDrop),
        mounts: nonEmpty((container.Mounts ?? []).map(mountOf)),
        stopGracePeriod: seconds(container.StopGracePeriod),
      },
      resources: {
        limits: {
          memoryBytes: Resources?.Limits?.MemoryBytes ?? 0,
          nanoCpus: Resources?.Limits?.NanoCPUs ?? 0,
        },
      },
      restartPolicy: {
        condition: restart?.Condition ?? "any",
        delay: seconds(restart?.Delay),
        maxAttempts: restart?.MaxAttempts ?? 0,
        window: seconds(restart?.Window),
      },
      placement: { constraints: Placement?.Constraints ?? [] },
      networksAdvanceds: nonEmpty(
        (task.Networks ?? []).map(({ Aliases, Target }) => ({ name: Target, aliases: nonEmpty(Aliases) })),
      ),
      logDriver: log && { name: log.Name, options: log.Options ?? {} },
      forceUpdate: task.ForceUpdate ?? 0,
    },
  };
}

const seconds = (nanos: number | undefined): string => `${(nanos ?? 0) / 1e9}s`;

function splitVariable(text: string): [string, string] {
  const at = text.indexOf("=");
  return [text.slice(0, at), text.slice(at + 1)];
}

const mountOf = ({ ReadOnly, Source, Target, Type, VolumeOptions }: Docker.MountSettings): object => ({
  type: Type,
  target: Target,
  source: Source || undefined,
  readOnly: ReadOnly ?? false,
  volumeOptions: VolumeOptions && {
    labels: nonEmpty(labelList(VolumeOptions.Labels)),
    noCopy: VolumeOptions.NoCopy ?? false,
  },
});
