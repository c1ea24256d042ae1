import { z } from "zod";

export const labelsSchema = z.array(z.strictObject({ label: z.string(), value: z.string() }));

type Label = { label: string; value: string };

/** Labels in the form of the daemon's API. */
export function labelMap(labels: readonly Label[] | undefined): Record<string, string> {
  return Object.fromEntries((labels ?? []).map(({ label, value }) => [label, value]));
}

/** Labels in the form of the SDK, sorted. */
export function labelList(map: Record<string, string> | null | undefined): Label[] {
  return Object.entries(map ?? {})
    .map(([label, value]) => ({ label, value }))
    .sort((a, b) => (a.label < b.label ? -1 : 1));
}

/** `undefined` for an empty list or map, because the daemon does not distinguish these from absent ones. */
export function nonEmpty<T extends object>(value: T | null | undefined): T | undefined {
  return value && Object.keys(value).length > 0 ? value : undefined;
}

/** Says who made something, by its labels: `its labels say trilab.lab=first-boot, …`, or that it has none. */
export function ownerText(labels: Record<string, string> | null | undefined): string {
  const ours = labelList(labels).filter(({ label }) => label.startsWith("trilab."));
  return ours.length > 0
    ? `its labels say ${ours.map(({ label, value }) => `${label}=${value}`).join(", ")}`
    : "it has no trilab labels, so something else made it";
}
