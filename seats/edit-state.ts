import type { RawDeployment, RawResource } from "../engine/index.js";
import { holdsWork } from "../model/kinds.js";

/** What the official Docker plugin keeps in the state of a container beyond what ours kept at first. */
const CONTAINER_OUTPUTS = {
  stdinOpen: false,
  tty: false,
  memoryReservation: 0,
  containerReadRefreshTimeoutMilliseconds: 15_000,
} as const;

/**
 * Makes an older state fit for this version and for either Docker plugin, and sets what of it the engine must not replace
 * or delete.
 *
 * @param protect Whether what holds a learner's work is protected.
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

/** A container that our stand-in made before it knew these: the official plugin would replace it for them. */
function adaptContainer({ inputs = {}, outputs }: RawResource): boolean {
  if (!outputs) return false;
  const absent = Object.entries(CONTAINER_OUTPUTS).filter(([key]) => !(key in outputs));
  for (const [key, value] of absent) outputs[key] = value;
  const unasked = "cgroupnsMode" in outputs && !("cgroupnsMode" in inputs);
  // The official plugin has it with no value where nobody asked for it.
  const named = unasked && Boolean(outputs.cgroupnsMode);
  if (named) delete outputs.cgroupnsMode;
  return absent.length > 0 || named;
}
