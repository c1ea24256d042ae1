import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import type Docker from "dockerode";
import { z } from "zod";
import { messageOf, UserError } from "../../base/errors.js";
import { fileInTar, readTar, type TarEntry, writeTar } from "../../base/tar-file.js";
import { asking } from "./connect.js";
import { follow } from "./image.js";

const manifestSchema = z.tuple([z.looseObject({ Config: z.string(), Layers: z.array(z.string()) })]);
const configSchema = z.looseObject({
  config: z.looseObject({}).optional(),
  rootfs: z.looseObject({ diff_ids: z.array(z.string()) }),
});

/** What `docker save` wrote of one image. */
interface Archive {
  config: z.infer<typeof configSchema>;
  configName: string;
  /** The layers' files, the lowest first. */
  layers: string[];
}

async function readArchive(file: string): Promise<Archive> {
  const json = async (name: string): Promise<unknown> => {
    const content = await fileInTar(file, name);
    if (content === undefined) throw new Error(`there is no ${name}`);
    return JSON.parse(String(content));
  };
  const [{ Config, Layers }] = manifestSchema.parse(await json("manifest.json"));
  const config = configSchema.parse(await json(Config));
  if (config.rootfs.diff_ids.length !== Layers.length)
    throw new Error("its layers do not match its description");
  return { config, configName: Config, layers: Layers };
}

/** A layer that is packed into an archive, and the archive that it is taken from. */
interface PackedLayer {
  from: string;
  /** Its file there. */
  layer: string;
  /** Its file in the new archive. */
  name: string;
}

/** Takes these layers of an archive under their names. */
const taken = (from: string, layers: readonly string[]): PackedLayer[] =>
  layers.map((layer) => ({ from, layer, name: layer }));

/**
 * Writes an image to a file as `docker save` does, but without the layers of its base: whoever loads it has them.
 *
 * @param base The image that it was made from; absent: none.
 */
export async function writeImage(
  docker: Docker,
  image: string,
  base: string | undefined,
  file: string,
): Promise<void> {
  const what = `the image ${image} can't be written`;
  const whole = join(dirname(file), `${basename(file)}.whole`);
  try {
    const archive = await saveImage(docker, image, whole, what);
    const upper = archive.layers.slice(await baseLayers(docker, base, archive));
    await writeParts(file, archive, taken(whole, upper));
  } finally {
    await rm(whole, { force: true });
  }
}

/** Does what `docker save` does. */
async function saveImage(docker: Docker, image: string, file: string, what: string): Promise<Archive> {
  const stream = await asking(what, () => docker.getImage(image).get());
  await pipeline(stream, createWriteStream(file, { mode: 0o600 }));
  return readArchive(file);
}

/** How many layers of an image are its base's. @throws UserError when it was not made from that. */
async function baseLayers(docker: Docker, base: string | undefined, { config }: Archive): Promise<number> {
  if (base === undefined) return 0;
  const { RootFS } = await asking(`the image ${base} can't be read`, () => docker.getImage(base).inspect());
  const lower = RootFS.Layers ?? [];
  if (lower.every((layer, i) => config.rootfs.diff_ids[i] === layer)) return lower.length;
  throw otherBase(base);
}

const otherBase = (base: string): UserError =>
  new UserError(`this snapshot was not made from the image ${base}`, {
    why: "its lower layers are others; nothing was changed",
    fix: "import it into a seat whose image is the same",
  });

/**
 * Whether the daemon keeps images in containerd's store, the default of new installations of Docker 29. That loads only archives with all
 * layers. The other stores, those of the graph drivers, skip layers that they have.
 */
async function needsAllLayers(docker: Docker): Promise<boolean> {
  const { DriverStatus } = (await asking("the Docker daemon can't be asked how it stores images", () =>
    docker.info(),
  )) as { DriverStatus?: [string, string][] | null };
  return (DriverStatus ?? []).some(
    ([key, value]) => key === "driver-type" && value === "io.containerd.snapshotter.v1",
  );
}

/**
 * Takes the lowest layers of an image from the daemon's own base image. The daemon may have compressed them in another way, so only
 * the digest of their content says which is which.
 *
 * @param file Where the base image is saved.
 */
async function lowerLayers(
  docker: Docker,
  base: string,
  diffIds: readonly string[],
  file: string,
): Promise<PackedLayer[]> {
  const { config, layers } = await saveImage(docker, base, file, `the image ${base} can't be read`);
  return diffIds.map((diffId, i) => {
    const layer = layers[config.rootfs.diff_ids.indexOf(diffId)];
    if (layer === undefined) throw otherBase(base);
    return { from: file, layer, name: `base-${i}/layer.tar` };
  });
}

/**
 * Writes an archive with these layers, labels and tag.
 *
 * @param packed The uppermost layers, or all. The daemon must have the others.
 */
async function writeParts(
  to: string,
  { config, layers }: Archive,
  packed: readonly PackedLayer[],
  { labels, tag }: { labels?: Readonly<Record<string, string>>; tag?: string } = {},
): Promise<void> {
  const relabelled = labels ? { ...config, config: { ...config.config, Labels: labels } } : config;
  const text = Buffer.from(JSON.stringify(relabelled));
  // An image's id is the digest of its configuration.
  const name = `${createHash("sha256").update(text).digest("hex")}.json`;
  const listed = [...layers.slice(0, layers.length - packed.length), ...packed.map((layer) => layer.name)];
  const manifest = [{ Config: name, RepoTags: tag ? [tag] : null, Layers: listed }];
  const entries: TarEntry[] = [];
  const dir = dirname(to);
  const files: string[] = [];
  try {
    for (const from of new Set(packed.map((layer) => layer.from)))
      await readTar(from, async (layer, content) => {
        const names = new Set(
          packed.filter((each) => each.from === from && each.layer === layer).map((each) => each.name),
        );
        if (names.size === 0 || entries.some((entry) => names.has(entry.name))) return;
        const file = join(dir, `${basename(to)}.layer-${files.length}`);
        files.push(file);
        await pipeline(content, createWriteStream(file, { mode: 0o600 }));
        for (const name of names) entries.push({ name, content: { file } });
      });
    await writeTar(to, [
      { name, content: text },
      { name: "manifest.json", content: Buffer.from(JSON.stringify(manifest)) },
      ...entries,
    ]);
  } finally {
    for (const file of files) await rm(file, { force: true });
  }
}

/**
 * Loads an image that {@link writeImage} wrote, with other labels and under another name: neither what it was called nor who owned
 * it is taken from the file.
 *
 * @param base As when it was written.
 * @throws UserError when it is damaged, or was made from another base.
 */
export async function loadImage(
  docker: Docker,
  file: string,
  { base, labels, tag }: { base: string | undefined; labels: Readonly<Record<string, string>>; tag: string },
): Promise<void> {
  const rewritten = `${file}.ours`;
  const savedBase = `${file}.base`;
  try {
    const archive = await readArchive(file).catch((error: unknown) => {
      throw new UserError("the file is not a container's snapshot, or is damaged", {
        why: messageOf(error),
        fix: "export the snapshot again",
        cause: error,
      });
    });
    const skipped = await baseLayers(docker, base, archive);
    const upper = taken(file, archive.layers.slice(skipped));
    const lower =
      base !== undefined && skipped > 0 && (await needsAllLayers(docker))
        ? await lowerLayers(docker, base, archive.config.rootfs.diff_ids.slice(0, skipped), savedBase)
        : [];
    await writeParts(rewritten, archive, [...lower, ...upper], { labels, tag });
    // The daemon may need the space.
    await rm(savedBase, { force: true });
    const what = `the image ${tag} can't be loaded`;
    const answer = await asking(what, () => docker.loadImage(createReadStream(rewritten)));
    await follow(docker, answer, what);
    await asking(what, () => docker.getImage(tag).inspect());
  } finally {
    await rm(rewritten, { force: true });
    await rm(savedBase, { force: true });
  }
}
