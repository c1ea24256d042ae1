import { METADATA_NAMESPACE } from "../../model/labels.js";
import { parseXml } from "./xml.js";

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
