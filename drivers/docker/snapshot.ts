import { basename } from "node:path";
import type Docker from "dockerode";
import { containerTag } from "../../model/container-tag.js";
import type { SeatId } from "../../model/naming.js";
import { type Snapshot, snapshotImages } from "../../model/snapshots.js";
import { HostCostError } from "../machine.js";
import { asking, lookUp, passOver } from "./connect.js";
import { importTar } from "./image.js";
import { unpackedBytes } from "./image-size.js";

/** What is saved of a container. */
export interface SavedContainer {
  container: string;
  /** The path of its home, which is on a volume. */
  home: string;
  /** For the home's image; the layer's has the container's. */
  labels: Readonly<Record<string, string>>;
}

/** Saves a container's layer and home as two images. A running container is paused meanwhile, so that both are of one moment. */
export async function saveContainer(docker: Docker, saved: SavedContainer, name: string): Promise<void> {
  const container = docker.getContainer(saved.container);
  const what = `the container ${saved.container} can't be saved`;
  const { State: state } = await asking(what, () => container.inspect());
  const pauses = state.Running && !state.Paused;
  if (pauses) await asking(what, () => container.pause());
  try {
    const { home, layer } = tagsOf(saved.container, name);
    await asking(what, () => container.commit({ ...layer, pause: false }));
    const changes = Object.entries(saved.labels).map(([key, value]) => `LABEL ${key}=${value}`);
    const tar = await asking(what, () => container.getArchive({ path: saved.home }));
    await importTar(docker, tar, { ...home, changes: changes.join("\n") });
  } finally {
    if (pauses) await asking(`${what} and stays paused`, () => container.unpause());
  }
}

/** Lets a container go on whose saving was interrupted, and removes what was saved. */
export async function undoSave(docker: Docker, machine: string, name: string): Promise<void> {
  const container = docker.getContainer(machine);
  const info = await lookUp(`the container ${machine} can't be read`, () => container.inspect());
  if (info?.State.Paused) await container.unpause();
  await removeContainerSnapshot(docker, machine, name);
}

/** The repository and tag of a snapshot's images. */
function tagsOf(machine: string, name: string): Record<"layer" | "home", { repo: string; tag: string }> {
  const { home, layer } = snapshotImages(machine, name);
  const split = (image: string): { repo: string; tag: string } => {
    const [repo = "", tag = ""] = image.split(":");
    return { repo, tag };
  };
  return { layer: split(layer), home: split(home) };
}

/** The complete snapshots of a container, the oldest first. */
export async function containerSnapshots(docker: Docker, seat: SeatId, machine: string): Promise<Snapshot[]> {
  const images = await imagesOf(docker, seat);
  const tagged = (tag: string): Docker.ImageInfo | undefined =>
    images.find(({ RepoTags }) => RepoTags?.includes(tag));
  const names = images.flatMap(({ RepoTags }) =>
    (RepoTags ?? []).flatMap((tag) => (tag.startsWith(`${machine}:`) ? [tag.slice(machine.length + 1)] : [])),
  );
  const found = await Promise.all(
    names.map(async (name): Promise<Snapshot[]> => {
      const tags = snapshotImages(machine, name);
      const [layer, home] = [tagged(tags.layer), tagged(tags.home)];
      if (layer === undefined || home === undefined) return [];
      const at = new Date(home.Created * 1000).toISOString();
      const bytes = (await ownBytes(docker, layer)) + (await homeBytes(docker, home));
      return [{ name, target: "container", at, bytes, memory: false }];
    }),
  );
  return found.flat().sort((a, b) => a.at.localeCompare(b.at));
}

/** Whether an image of trilab's is a part of a seat's snapshot. Others are labs' images. */
export const isSnapshotImage = ({ Labels }: Pick<Docker.ImageInfo, "Labels">): boolean =>
  Labels?.["trilab.seat"] !== undefined;

/** A seat's images, the newest first, because an image can't be removed before those that are made from it. */
export async function imagesOf(docker: Docker, seat?: SeatId): Promise<Docker.ImageInfo[]> {
  const label = seat ? [`trilab.lab=${seat.lab}`, `trilab.seat=${seat.seat}`] : ["trilab.seat"];
  const images = await docker.listImages({ filters: { label } });
  return images.sort((a, b) => b.Created - a.Created);
}

/** The size of what an image adds to the one it was made from. An imported one has no parent, but the same base. */
async function ownBytes(docker: Docker, { Id, Labels, ParentId, Size }: Docker.ImageInfo): Promise<number> {
  const parent = ParentId || containerTag(Labels?.["trilab.image"] ?? "");
  const below = await lookUp(`the image ${parent} can't be read`, () => docker.getImage(parent).inspect());
  const unpacked = async (): Promise<number> =>
    (await unpackedBytes(docker, Id)) - (below ? await unpackedBytes(docker, below.Id) : 0);
  return Math.max(0, await unpacked().catch(orReported(Size - (below?.Size ?? 0))));
}

const homeBytes = (docker: Docker, { Id, Size }: Docker.ImageInfo): Promise<number> =>
  unpackedBytes(docker, Id).catch(orReported(Size));

/** A list shows the size that the daemon reports for an image whose unpacked size it does not tell. */
const orReported =
  (reported: number) =>
  (error: unknown): number => {
    if (error instanceof HostCostError) return reported;
    throw error;
  };

/** Removes a snapshot, complete or not. A container that was made from it keeps its image, without a name. */
export async function removeContainerSnapshot(docker: Docker, machine: string, name: string): Promise<void> {
  const { home, layer } = snapshotImages(machine, name);
  for (const tag of [home, layer])
    await asking(`the image ${tag} can't be removed`, () =>
      docker.getImage(tag).remove({ force: true }).catch(passOver(404)),
    );
}

/** Removes a seat's images that have lost their name and are not used any more. */
export async function removeNameless(docker: Docker, seat: SeatId): Promise<void> {
  const images = await imagesOf(docker, seat);
  for (const { Id, RepoTags } of images)
    if ((RepoTags ?? []).every((tag) => tag.startsWith("<none>")))
      await docker.getImage(Id).remove().catch(passOver(404, 409));
}

/** A home that was saved, and the volume that is filled with it. */
export interface SavedHome {
  /** The image's tag or id. */
  image: string;
  volume: string;
  /** The home's path in the container. */
  path: string;
}

/**
 * Fills an empty volume with a saved home: Docker copies it from the image when a container is created that has the volume in
 * the same place. The container is never started.
 *
 * @param name Of that container.
 */
export async function fillHome(
  docker: Docker,
  { image, path, volume }: SavedHome,
  name: string,
): Promise<void> {
  const what = `the volume ${volume} can't be filled`;
  await asking(what, () => docker.getContainer(name).remove({ force: true }).catch(passOver(404)));
  const filler = await asking(what, () =>
    docker.createContainer({
      name,
      Image: image,
      Cmd: ["-"],
      HostConfig: { Binds: [`${volume}:/${basename(path)}`], NetworkMode: "none" },
    }),
  );
  await asking(what, () => filler.remove({ force: true }));
}
