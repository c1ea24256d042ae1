import { ExitCode, UserError } from "../base/errors.js";
import type { EngineEvent } from "../engine/index.js";
import type { SeatId } from "../model/naming.js";

/** By URN, the properties whose change requires a replacement. */
export type ReplaceReasons = Map<string, string[]>;

/** Records what a preview's event says about replacements. */
export function noteReplacement(reasons: ReplaceReasons, { resourcePreEvent }: EngineEvent): void {
  const step = resourcePreEvent?.metadata;
  if (!step || !/replace/.test(step.op)) return;
  const keys = step.keys?.length ? step.keys : (step.diffs ?? []);
  reasons.set(step.urn, [...new Set([...(reasons.get(step.urn) ?? []), ...keys])]);
}

/** What is lost with a resource, by its type. */
const LOST: Readonly<Record<string, string>> = {
  "docker:index/container:Container": "everything installed or changed in it is lost, except the home folder",
  "docker:index/service:Service": "everything installed or changed in it is lost",
  "docker:index/volume:Volume": "the home folder is lost",
  "libvirt:index/volume:Volume": "its disk and everything on it are lost",
  "aws:ec2/instance:Instance": "its disk and everything on it are lost",
};

/** The error of an `up` that would replace machines or disks. */
export function wouldReplace(
  { lab, seat }: SeatId,
  urns: readonly string[],
  reasons: ReplaceReasons,
): UserError {
  const lines = urns.map((urn) => {
    const [, , type = "", name = urn] = urn.split("::");
    const kind = type.split("$").at(-1) ?? type;
    const changed = reasons.get(urn) ?? [];
    const why = changed.length > 0 ? ` (changed: ${changed.join(", ")})` : "";
    return `${name}${why}: ${LOST[kind] ?? "it is made again"}`;
  });
  return new UserError(`seat "${seat}" of lab "${lab}" would be replaced, and the work in it lost`, {
    why: lines.join("\n"),
    fix: `copy out what is needed (trilab cp), then allow it: trilab up ${lab} --seat ${seat} --replace`,
    exitCode: ExitCode.usage,
  });
}
