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
    const stream = await asking(what, () => docker.getImage(image).get());
    await pipeline(stream, createWriteStream(whole, { mode: 0o600 }));
    const archive = await readArchive(whole);
    await writeParts(whole, file, archive, await baseLayers(docker, base, archive));
  } finally {
    await rm(whole, { force: true });
  }
}

/** How many layers of an image are its base's. @throws UserError when it was not made from that. */
async function baseLayers(docker: Docker, base: string | undefined, { config }: Archive): Promise<number> {
  if (base === undefined) return 0;
  const { RootFS } = await asking(`the image ${base} can't be read`, () => docker.getImage(base).inspect());
  const lower = RootFS.Layers ?? [];
  if (lower.every((layer, i) => config.rootfs.diff_ids[i] === layer)) return lower.length;
  throw new UserError(`this snapshot was not made from the image ${base}`, {
    why: "its lower layers are others; nothing was changed",
    fix: "import it into a seat whose image is the same",
  });
}

/** Copies an archive with these labels and this tag, and without its first layers. */
async function writeParts(
  from: string,
  to: string,
  { config, layers }: Archive,
  skipped: number,
  { labels, tag }: { labels?: Readonly<Record<string, string>>; tag?: string } = {},
): Promise<void> {
  const relabelled = labels ? { ...config, config: { ...config.config, Labels: labels } } : config;
  const text = Buffer.from(JSON.stringify(relabelled));
  // An image's id is the digest of its configuration.
  const name = `${createHash("sha256").update(text).digest("hex")}.json`;
  const manifest = [{ Config: name, RepoTags: tag ? [tag] : null, Layers: layers }];
  const upper: TarEntry[] = [];
  const wanted = layers.slice(skipped);
  const dir = dirname(to);
  const files: string[] = [];
  try {
    await readTar(from, async (layer, content) => {
      if (!wanted.includes(layer) || upper.some((entry) => entry.name === layer)) return;
      const file = join(dir, `${basename(to)}.layer-${files.length}`);
      files.push(file);
      await pipeline(content, createWriteStream(file, { mode: 0o600 }));
      upper.push({ name: layer, content: { file } });
    });
    await writeTar(to, [
      { name, content: text },
      { name: "manifest.json", content: Buffer.from(JSON.stringify(manifest)) },
      ...upper,
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
  try {
    const archive = await readArchive(file).catch((error: unknown) => {
      throw new UserError("the file is not a container's snapshot, or is damaged", {
        why: messageOf(error),
        fix: "export the snapshot again",
        cause: error,
      });
    });
    await writeParts(file, rewritten, archive, await baseLayers(docker, base, archive), { labels, tag });
    const what = `the image ${tag} can't be loaded`;
    const answer = await asking(what, () => docker.loadImage(createReadStream(rewritten)));
    await follow(docker, answer, what);
    await asking(what, () => docker.getImage(tag).inspect());
  } finally {
    await rm(rewritten, { force: true });
  }
}
