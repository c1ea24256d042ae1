import type { Progress } from "../../base/progress.js";
import type { DomainDefinition } from "../../components/libvirt-machine.js";
import { formatSize } from "../../model/units.js";
import type { Connection } from "./connection.js";
import { stringsOf } from "./golden-xml.js";
import { stopDomain } from "./power.js";
import { parseXml } from "./xml.js";

/**
 * Shuts down a domain that the engine is about to replace because its definition changes. The provider would only switch it
 * off, and data that the guest has not written to its disk would be lost. The disk itself is kept.
 *
 * @returns whether it was shut down. A missing domain, or one with the same definition, is left alone.
 */
export async function shutDownForChange(
  libvirt: Connection,
  wanted: DomainDefinition,
  progress: Progress,
): Promise<boolean> {
  const xml = await libvirt.virshIfThere("dumpxml", wanted.name, "--inactive");
  const changes = xml === undefined ? [] : definitionChanges(xml, wanted);
  if (changes.length === 0) return false;
  progress.note(
    `${wanted.name} is restarted, because its definition changes (${changes.join("; ")}); its disk is kept`,
  );
  progress.update(`shutting ${wanted.name} down`);
  await stopDomain(libvirt, wanted.name);
  return true;
}

/** Starts those of the domains that were shut down but not replaced. */
export async function startAgain(libvirt: Connection, names: readonly string[]): Promise<void> {
  for (const name of names)
    if ((await libvirt.domainState(name)) === "shut off") await libvirt.virsh("start", name);
}

/** What differs between a domain's XML (`dumpxml --inactive`) and a definition, in words; empty: nothing. Pure. */
export function definitionChanges(xml: string, wanted: DomainDefinition): string[] {
  const domain = parseXml(xml);
  const accelerator = domain.attributes.type === "kvm" ? "kvm" : "tcg";
  // A domain that can be resized keeps its spec apart from its present size.
  const spec = domain.find("metadata", "seat", "spec")?.attributes;
  const memory = Number(spec?.memory ?? Number(domain.find("memory")?.text) * 1024);
  const cpus = Number(spec?.cpus ?? domain.find("vcpu")?.text);
  const parameters = (domain.find("os", "cmdline")?.text ?? "").split(" ").filter(Boolean);
  const same = (a: readonly string[], b: readonly string[]): boolean =>
    [...a].sort().join("\n") === [...b].sort().join("\n");
  return [
    ...(memory === wanted.memory ? [] : [`memory ${formatSize(memory)} → ${formatSize(wanted.memory)}`]),
    ...(cpus === wanted.cpus ? [] : [`CPUs ${cpus} → ${wanted.cpus}`]),
    ...(accelerator === wanted.accelerator ? [] : [`${accelerator} → ${wanted.accelerator}`]),
    ...(same(parameters, wanted.kernelParameters) ? [] : ["kernel parameters"]),
    ...(same(stringsOf(domain), wanted.oemStrings) ? [] : ["keys or address"]),
  ];
}
