import { createReadStream } from "node:fs";
import { join, posix } from "node:path";
import type { Readable } from "node:stream";
import type Docker from "dockerode";
import { compressTo } from "../compressed-file.js";
import { passOver } from "./connect.js";
import { importTar } from "./image.js";

/** The image of an unpacked container has its name and this tag. */
const TAG = "moved";
/** What finds a container's image again, to remove it. */
const OWNERSHIP = ["trilab.owner", "trilab.lab", "trilab.seat"];

const ROOT_FILE = "root.tar.gz";
const volumeFile = (index: number): string => `volume-${index}.tar.gz`;

/** The paths of a container's volumes in it. */
async function volumePaths(container: Docker.Container): Promise<string[]> {
  const { Mounts } = await container.inspect();
  return Mounts.filter(({ Type }) => Type === "volume")
    .map(({ Destination }) => Destination)
    .sort();
}

/** Writes the whole file system of a container to a folder: its image with its layer, and its volumes. */
export async function packContainer(
  container: Docker.Container,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const root = await container.export();
  await compressTo(join(folder, ROOT_FILE), root as Readable, signal);
  for (const [index, path] of (await volumePaths(container)).entries()) {
    const tar = await container.getArchive({ path });
    await compressTo(join(folder, volumeFile(index)), tar as Readable, signal);
  }
}

/**
 * Makes an image of one layer from a container's file system. The daemon reads it as a new one, whatever images it has.
 *
 * @param name Of the container that is made from it.
 * @returns the image's tag.
 */
export async function unpackImage(
  docker: Docker,
  {
    folder,
    labels,
    name,
    signal,
  }: { folder: string; labels: Readonly<Record<string, string>>; name: string; signal: AbortSignal },
): Promise<string> {
  const changes = OWNERSHIP.flatMap((key) => (labels[key] ? [`LABEL ${key}=${labels[key]}`] : []));
  const options = { repo: name, tag: TAG, changes: changes.join("\n") };
  // The daemon expands it.
  await importTar(docker, createReadStream(join(folder, ROOT_FILE), { signal }), options);
  return `${name}:${TAG}`;
}

/** Writes the content of the original's volumes into a container that has none and is not started. */
export async function unpackVolumes(
  original: Docker.Container,
  copy: Docker.Container,
  folder: string,
): Promise<void> {
  for (const [index, path] of (await volumePaths(original)).entries())
    await copy.putArchive(createReadStream(join(folder, volumeFile(index))), { path: posix.dirname(path) });
}

/** Removes the image that {@link unpackImage} made, if there is one. */
export async function removeUnpackedImage(docker: Docker, name: string): Promise<void> {
  await docker.getImage(`${name}:${TAG}`).remove({ force: true }).catch(passOver(404));
}
