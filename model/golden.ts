/**
 * A golden guest is a guest that was booted once, without an identity, and saved: its disk and its memory are volumes of the seats'
 * pool. Every resumed guest is a copy of it.
 */

/** The volumes of a golden guest. The manifest is written last: if it exists, the others are complete. */
export const goldenVolumes = (key: string) => ({
  disk: `golden-${key}.qcow2`,
  memory: `golden-${key}.memory`,
  hostKey: `golden-${key}.host-key`,
  consoleLog: `golden-${key}.console.log`,
  manifest: `golden-${key}.json`,
});

/** The name of its domain while it boots. */
export const goldenDomain = (key: string): string => `golden-${key}`;

/** The key of the golden guest that a volume of the seats' pool belongs to; `undefined`: to none. */
export const goldenOf = (volume: string): string | undefined =>
  /^golden-([0-9a-f]+)\.(?:qcow2|memory|host-key|console\.log(?:\.\d+)?|json)$/.exec(volume)?.[1];

/** The label of a running domain that was resumed from a golden guest. Its definition has none, so its next start removes it. */
export const RESUMED_LABEL = "trilab.resumed";

/** The copy of a golden guest's memory from which a guest resumes. It is removed once the guest runs. */
export const resumedMemory = (machine: string): string => `${machine}.resumed.memory`;
