import type { Failure } from "../harness/errors.js";
import { reason } from "../harness/errors.js";
import type { ContainerInputs } from "./container-schema.js";

/**
 * Problems of several properties together, which the schema can't express. Each has a fix.
 *
 * @param inputs The inputs that fit the schema. One that is not known yet is present, but undefined.
 */
export function containerProblems(inputs: Partial<ContainerInputs>): Failure[] {
  const failures: Failure[] = [];
  const fail = (property: string, what: string, why: string, fix: string): void => {
    failures.push({ property, reason: reason(what, why, fix) });
  };
  /** Whether a property is known: to be absent, or to have a value. */
  const settled = (key: keyof ContainerInputs): boolean => !(key in inputs) || inputs[key] !== undefined;
  const { memory, memorySwap, restart } = inputs;
  if (memory !== undefined && memory > 0 && memory < 6)
    fail("memory", `${memory} MiB is too little`, "the daemon's minimum is 6 MiB", "use at least 6");
  if (memorySwap !== undefined && memorySwap > 0 && settled("memory")) {
    if (!memory)
      fail(
        "memorySwap",
        "a swap limit without a memory limit",
        "the daemon refuses it",
        "set memory as well",
      );
    else if (memorySwap < memory)
      fail(
        "memorySwap",
        `${memorySwap} MiB is less than the memory`,
        "it counts memory and swap together",
        `use at least ${memory}, or -1 for unlimited swap`,
      );
  }
  if (inputs.maxRetryCount && settled("restart") && restart !== "on-failure")
    fail(
      "maxRetryCount",
      "it has no effect here",
      `restart is ${restart ?? "no"}`,
      "set restart: on-failure, or remove it",
    );
  if (inputs.rm && restart !== undefined && restart !== "no")
    fail(
      "rm",
      "a container can't be both removed at its end and restarted",
      "the daemon refuses it",
      "set only one of rm and restart",
    );
  if (inputs.attach && settled("mustRun") && inputs.mustRun !== false)
    fail(
      "attach",
      "attach waits for the container's end, but with mustRun it must not end",
      "mustRun is true by default",
      "set mustRun: false",
    );
  if (inputs.logs && settled("attach") && !inputs.attach)
    fail(
      "logs",
      "there are no logs to store",
      "they are read at the container's end, and only attach waits for that",
      "set attach: true",
    );
  failures.push(...mountProblems(inputs));
  return failures;
}

function mountProblems({ volumes = [], mounts = [] }: Partial<ContainerInputs>): Failure[] {
  const failures: Failure[] = [];
  const fail = (property: string, what: string, why: string, fix: string): void => {
    failures.push({ property, reason: reason(what, why, fix) });
  };
  for (const [index, volume] of volumes.entries()) {
    if (volume.fromContainer === undefined && missing(volume, "containerPath"))
      fail(
        `volumes[${index}].containerPath`,
        "it is missing",
        "a volume needs a path in the container",
        "set containerPath (or fromContainer)",
      );
    if (volume.hostPath !== undefined && volume.volumeName !== undefined)
      fail(
        `volumes[${index}]`,
        "hostPath and volumeName are both set",
        "a mount has only one source",
        "keep one of them",
      );
  }
  for (const [index, mount] of mounts.entries())
    if (mount.type === "tmpfs" && mount.source)
      fail(`mounts[${index}].source`, "a tmpfs has no source", "it is in memory", "remove source");
    else if (mount.type === "bind" && missing(mount, "source"))
      fail(
        `mounts[${index}].source`,
        "it is missing",
        "a bind mount needs a path on the Docker host",
        "set source",
      );
  return failures;
}

/** Whether a property is absent or empty. False if it is not known yet. */
function missing<T extends object>(item: T, key: keyof T): boolean {
  return item[key] === "" || !(key in item);
}
