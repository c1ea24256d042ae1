import type { RawDeployment, RawResource } from "../engine/index.js";
import { holdsWork } from "../model/kinds.js";

/** What the official Docker plugin stores for a container and our first stand-in did not. */
const CONTAINER_OUTPUTS = {
  stdinOpen: false,
  tty: false,
  memoryReservation: 0,
  containerReadRefreshTimeoutMilliseconds: 15_000,
} as const;

/**
 * Adapts an older state to this version and to both Docker plugins, and marks the resources that the engine must not
 * replace or delete.
 *
 * @param protect Whether to protect resources that hold a learner's work.
 * @returns whether anything changed.
 */
export function editSeatState(deployment: RawDeployment, { protect }: { protect: boolean }): boolean {
  let changed = false;
  for (const resource of deployment.resources ?? []) {
    if (resource.type === "docker:index/container:Container" && adaptContainer(resource)) changed = true;
    if (!holdsWork(resource.type, resource.inputs?.name) || (resource.protect ?? false) === protect) continue;
    resource.protect = protect;
    changed = true;
  }
  return changed;
}

/** Adds what an early version of our stand-in did not store: the official plugin would replace the container. */
function adaptContainer({ inputs = {}, outputs }: RawResource): boolean {
  if (!outputs) return false;
  const absent = Object.entries(CONTAINER_OUTPUTS).filter(([key]) => !(key in outputs));
  for (const [key, value] of absent) outputs[key] = value;
  const unasked = "cgroupnsMode" in outputs && !("cgroupnsMode" in inputs);
  // The official plugin stores it without a value if it was not set.
  const named = unasked && Boolean(outputs.cgroupnsMode);
  if (named) delete outputs.cgroupnsMode;
  return absent.length > 0 || named;
}

/** The container of this name in a state. */
export const containerIn = <R extends Pick<RawResource, "type" | "inputs">>(
  resources: readonly R[],
  name: string,
): R | undefined =>
  resources.find(({ inputs, type }) => type === "docker:index/container:Container" && inputs?.name === name);

/**
 * Gives a container another id, everywhere in the state: its resource, and the outputs of what it belongs to.
 *
 * @returns whether anything changed.
 */
export function renumberContainer(deployment: RawDeployment, name: string, id: string): boolean {
  const resources = deployment.resources ?? [];
  const old = containerIn(resources, name)?.id;
  if (old === undefined || old === id) return false;
  deployment.resources = replaced(resources, old, id) as RawResource[];
  return true;
}

/** A copy of a JSON value with one string in place of another. */
function replaced(value: unknown, old: string, by: string): unknown {
  if (value === old) return by;
  if (Array.isArray(value)) return value.map((item) => replaced(item, old, by));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaced(item, old, by)]));
}
