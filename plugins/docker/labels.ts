import { z } from "zod";

export const labelsSchema = z.array(z.strictObject({ label: z.string(), value: z.string() }));

type Label = { label: string; value: string };

/** As the daemon wants them. */
export function labelMap(labels: readonly Label[] | undefined): Record<string, string> {
  return Object.fromEntries((labels ?? []).map(({ label, value }) => [label, value]));
}

/** As the SDK wants them, sorted. */
export function labelList(map: Record<string, string> | null | undefined): Label[] {
  return Object.entries(map ?? {})
    .map(([label, value]) => ({ label, value }))
    .sort((a, b) => (a.label < b.label ? -1 : 1));
}

/** A record, or undefined for an empty one: the daemon doesn't tell "none" from "not given". */
export function nonEmpty<T extends object>(value: T | null | undefined): T | undefined {
  return value && Object.keys(value).length > 0 ? value : undefined;
}

/** Who made something, from its labels: ` (trilab.lab=first-boot, trilab.seat=ann)`, or that it carries none. */
export function ownerText(labels: Record<string, string> | null | undefined): string {
  const ours = labelList(labels).filter(({ label }) => label.startsWith("trilab."));
  return ours.length > 0
    ? `its labels say ${ours.map(({ label, value }) => `${label}=${value}`).join(", ")}`
    : "it carries no trilab labels, so it was made by something else";
}
