import type { Failure } from "../harness/errors.js";
import { reason } from "../harness/errors.js";
import type { ContainerInputs } from "./container-schema.js";

/**
 * What no schema of single properties can say: each problem with the way out.
 *
 * @param inputs Those that fit the schema; one that isn't known yet is present, but undefined.
 */
export function containerProblems(inputs: Partial<ContainerInputs>): Failure[] {
  const failures: Failure[] = [];
  const fail = (property: string, what: string, why: string, fix: string): void => {
    failures.push({ property, reason: reason(what, why, fix) });
  };
  /** Known to be absent or to have a value, as opposed to not known yet. */
  const settled = (key: keyof ContainerInputs): boolean => !(key in inputs) || inputs[key] !== undefined;
  const { memory, memorySwap, restart } = inputs;
  if (memory !== undefined && memory > 0 && memory < 6)
    fail("memory", `${memory} MiB is too little`, "the daemon's minimum is 6 MiB", "give at least 6");
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
        `give at least ${memory}, or -1 for unlimited swap`,
      );
  }
  if (inputs.maxRetryCount && settled("restart") && restart !== "on-failure")
    fail(
      "maxRetryCount",
      "it has no effect here",
      `restart is ${restart ?? "no"}`,
      "set restart: on-failure, or take it out",
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
      "attach waits for the container's end, which mustRun forbids",
      "mustRun is true unless told",
      "set mustRun: false",
    );
  if (inputs.logs && settled("attach") && !inputs.attach)
    fail(
      "logs",
      "there are no logs to keep",
      "they are taken at the container's end, which only attach waits for",
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
        "a volume needs a place in the container",
        "set containerPath (or fromContainer)",
      );
    if (volume.hostPath !== undefined && volume.volumeName !== undefined)
      fail(
        `volumes[${index}]`,
        "hostPath and volumeName are both set",
        "a mount has one source",
        "keep one of them",
      );
  }
  for (const [index, mount] of mounts.entries())
    if (mount.type === "tmpfs" && mount.source)
      fail(`mounts[${index}].source`, "a tmpfs has no source", "it is memory", "take source out");
    else if (mount.type === "bind" && missing(mount, "source"))
      fail(
        `mounts[${index}].source`,
        "it is missing",
        "a bind mount needs a path on the Docker host",
        "set source",
      );
  return failures;
}

/** Absent or empty; not merely unknown. */
function missing<T extends object>(item: T, key: keyof T): boolean {
  return item[key] === "" || !(key in item);
}
