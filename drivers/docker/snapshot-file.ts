import { join } from "node:path";
import type Docker from "dockerode";
import { snapshotImages } from "../../model/snapshots.js";
import { loadImage, writeImage } from "./image-archive.js";

/** The local files that a container's snapshot is written to, and read from. */
export const SNAPSHOT_FILES = ["layer.tar", "home.tar"] as const;

/** Writes a snapshot's images to {@link SNAPSHOT_FILES} in a folder, the layer without what its base image has. */
export async function writeSnapshot(
  docker: Docker,
  machine: string,
  { base, dir, name }: { base: string; dir: string; name: string },
): Promise<void> {
  const { home, layer } = snapshotImages(machine, name);
  await writeImage(docker, layer, base, join(dir, "layer.tar"));
  await writeImage(docker, home, undefined, join(dir, "home.tar"));
}

/** Makes a snapshot from such files, with these labels. */
export async function readSnapshot(
  docker: Docker,
  machine: string,
  {
    base,
    dir,
    labels,
    name,
  }: { base: string; dir: string; labels: Readonly<Record<string, string>>; name: string },
): Promise<void> {
  const { home, layer } = snapshotImages(machine, name);
  await loadImage(docker, join(dir, "layer.tar"), { base, labels, tag: layer });
  await loadImage(docker, join(dir, "home.tar"), { base: undefined, labels, tag: home });
}
