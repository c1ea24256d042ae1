import { isDeepStrictEqual } from "node:util";
import type Docker from "dockerode";
import type { ContainerWanted } from "../mend-container.js";

/** Docker's API 1.44 (Docker 25) is the first in which a service can forbid new privileges. An older manager ignores it. */
const FORBIDS_PRIVILEGES = 44;

/** A service's specification, with what its types lack. */
export interface ServiceSpec extends Docker.ServiceSpec {
  Mode?: { Replicated?: { Replicas?: number } };
  TaskTemplate?: Docker.ContainerTaskSpec;
}

/**
 * A service's specification with the limits for which the Docker provider has no input, and one container. Pure.
 *
 * A service that has its container keeps its memory and CPUs: every change makes the container anew.
 *
 * @param api The version of the manager's API.
 * @returns `undefined` if it is so already.
 */
export function limited(
  spec: ServiceSpec,
  { disk, processes = 256 }: ContainerWanted,
  api: string,
): ServiceSpec | undefined {
  const { ContainerSpec, Resources, ...task } = spec.TaskTemplate ?? {};
  const wanted: ServiceSpec = {
    ...spec,
    Mode: { Replicated: { Replicas: 1 } },
    TaskTemplate: {
      ...task,
      ContainerSpec: {
        ...ContainerSpec,
        ...(disk === undefined ? {} : { Ulimits: [{ Name: "fsize", Soft: disk, Hard: disk }] }),
        ...(Number(api.split(".")[1]) >= FORBIDS_PRIVILEGES
          ? {
              Privileges: {
                ...ContainerSpec?.Privileges,
                NoNewPrivileges: true,
              } as Docker.ContainerSpec["Privileges"],
            }
          : {}),
      },
      Resources: { ...Resources, Limits: { ...Resources?.Limits, Pids: processes } },
    },
  };
  return isDeepStrictEqual(wanted, spec) ? undefined : wanted;
}
