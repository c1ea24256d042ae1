import type { Kind } from "../../model/kinds.js";
import { METADATA_NAMESPACE } from "../../model/labels.js";
import { snapshotOfVolume } from "../../model/snapshots.js";
import { parseXml } from "./xml.js";

/**
 * What a volume of the seats' pool is for a machine: its disk, its cloud-init seed, its host key, a part of a snapshot, or its
 * console's log (virtlogd numbers the older ones). Also those of clones left behind by an interrupted `compare`. Pure.
 */
export function volumeKind(machine: string, volume: string): Kind | undefined {
  if (!volume.startsWith(machine)) return undefined;
  if (snapshotOfVolume(volume)?.machine === machine) return "guest snapshot";
  const suffix = volume.slice(machine.length);
  const what = /^(?:-clone\d+)?\.(qcow2|seed\.iso|host-key|console\.log)(?:\.\d+)?$/.exec(suffix)?.[1];
  if (what === "qcow2") return "guest disk";
  if (what === "seed.iso") return "cloud-init seed";
  if (what === "host-key") return "host key";
  return what === "console.log" ? "console log" : undefined;
}

/** The labels of each domain, from the output of `echo [NAME]; metadata NAME …` (virsh prints no newline after it). Pure. */
export function parseMetadata(text: string): Map<string, Record<string, string>> {
  const answers = new Map<string, Record<string, string>>();
  for (const [, name, part] of text.matchAll(/\[([\w-]+)\]([^[]*)/g)) {
    if (name === undefined || part === undefined) continue;
    answers.set(name, part.includes("<") ? labelsOf(part) : {});
  }
  return answers;
}

/** The ownership labels in the metadata element of a domain. Pure. */
function labelsOf(xml: string): Record<string, string> {
  return Object.fromEntries(
    parseXml(xml.slice(xml.indexOf("<")))
      .all("label")
      .map((label) => [label.attributes.key ?? "", label.text]),
  );
}

/** The virsh command line for all these domains, whose output {@link parseMetadata} reads. */
export const metadataQuestion = (domains: readonly string[]): string =>
  [...domains.map((name) => `echo [${name}]; metadata ${name} ${METADATA_NAMESPACE}`), "echo"].join("; ");
