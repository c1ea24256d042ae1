import { labelProblem, type Target } from "./naming.js";

/** The state of one machine that was saved under a name. */
export interface Snapshot {
  name: string;
  target: Target;
  /** ISO 8601. */
  at: string;
  /** Bytes that it takes of its host's disk. */
  bytes: number;
  /** Whether it has the machine's memory, too, so that its processes go on. */
  memory: boolean;
}

/** What is wrong with a snapshot's name, or `undefined`. It becomes a part of file and image names. */
export const snapshotNameProblem = (name: string): string | undefined => labelProblem(name, 30);

/** A guest's snapshot in the seats' pool. The manifest is written last: if it exists, the others are complete. */
export const snapshotVolumes = (
  machine: string,
  name: string,
): { disk: string; memory: string; manifest: string } => ({
  disk: `${machine}.${name}.snapshot.qcow2`,
  memory: `${machine}.${name}.snapshot.memory`,
  manifest: `${machine}.${name}.snapshot.json`,
});

/** The snapshot that a volume of the seats' pool belongs to. */
export function snapshotOfVolume(volume: string): { machine: string; name: string } | undefined {
  const [, machine, name] =
    /^([a-z0-9-]+)\.([a-z0-9-]+)\.snapshot\.(?:qcow2|memory|json)$/.exec(volume) ?? [];
  return machine === undefined || name === undefined ? undefined : { machine, name };
}

/** A container's snapshot in its Docker daemon: two images. The home is tagged last: if it exists, the layer is complete. */
export const snapshotImages = (machine: string, name: string): { layer: string; home: string } => ({
  layer: `${machine}:${name}`,
  home: `${machine}-home:${name}`,
});
