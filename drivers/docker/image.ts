import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type Docker from "dockerode";
import { hasCode, UserError } from "../../base/errors.js";
import { type Progress, silent } from "../../base/progress.js";
import { SERVICES_PROGRAM } from "../../model/services.js";

/** A built container image, ready to be loaded. */
export interface BuiltImage {
  hash: string;
  rootHash: string;
  /** The root file system, a tar file. */
  rootTar: string;
  /** `trilab/machine:<hash>` */
  containerTag: string;
  /** `services`: those that the image's entry point starts. */
  manifest: { release: string; user: string; services?: readonly unknown[] | undefined };
}

/** Whether the daemon has this image: a tag, or an id. */
export async function containerImageLoaded(docker: Docker, tag: string): Promise<boolean> {
  try {
    await docker.getImage(tag).inspect();
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/**
 * Loads the image into a daemon, local or remote, as `image.containerTag`, unless it is there.
 * Labels: trilab.image, trilab.root, trilab.release, trilab.user.
 *
 * @returns The image's id (`sha256:…`).
 * @throws UserError when the daemon refuses it.
 */
export async function importContainerImage(
  docker: Docker,
  image: BuiltImage,
  options: { progress?: Progress } = {},
): Promise<string> {
  const { containerTag, manifest } = image;
  const progress = options.progress ?? silent;
  const present = await labelsOf(docker, containerTag);
  if (present?.labels["trilab.image"] === image.hash) return present.id;

  const [repo, tag] = containerTag.split(":");
  const labels = {
    "trilab.image": image.hash,
    "trilab.root": image.rootHash,
    "trilab.release": manifest.release,
    "trilab.user": manifest.user,
  };
  const changes = [
    ...Object.entries(labels).map(([key, value]) => `LABEL ${key}=${value}`),
    "ENV LANG=C.UTF-8",
    // A default only: the container component sets the program that keeps the container running.
    'CMD ["sleep", "infinity"]',
    ...(manifest.services ? [`ENTRYPOINT ${JSON.stringify([SERVICES_PROGRAM, "run"])}`] : []),
  ];
  const { size } = await stat(image.rootTar);
  let sent = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sent += chunk.length;
      progress.update(`loading the container image (${Math.round((sent / size) * 100)} %)`);
      done(undefined, chunk);
    },
  });
  const sending = pipeline(createReadStream(image.rootTar, { highWaterMark: 1024 ** 2 }), counter);
  await Promise.all([importTar(docker, counter, { repo, tag, changes: changes.join("\n") }), sending]);
  const loaded = await labelsOf(docker, containerTag);
  if (loaded === undefined) throw new Error(`the daemon took ${containerTag}, and does not have it`);
  return loaded.id;
}

/**
 * Makes an image of one layer from a tar.
 *
 * @param options Its repository and tag, and lines of a Dockerfile.
 * @throws UserError when the daemon refuses it.
 */
export async function importTar(
  docker: Docker,
  tar: NodeJS.ReadableStream,
  options: { repo?: string | undefined; tag?: string | undefined; changes?: string },
): Promise<void> {
  await follow(
    docker,
    await docker.importImage(tar, options),
    "the Docker daemon did not take the container image",
  );
}

/**
 * Waits for the end of a daemon's report.
 *
 * @returns what was reported.
 * @throws UserError with `what` when it reports an error, or its report ends early.
 */
export async function follow(
  docker: Docker,
  report: NodeJS.ReadableStream,
  what: string,
): Promise<unknown[]> {
  return new Promise<unknown[]>((resolve, reject) => {
    docker.modem.followProgress(report, (error: Error | null, events: unknown[]) => {
      if (error instanceof UserError) return reject(error);
      const refused = error?.message ?? events.map(errorIn).find((text) => text !== undefined);
      if (refused === undefined) resolve(events);
      else
        reject(
          new UserError(what, {
            why: refused,
            fix: /no space left/i.test(refused)
              ? "free space where the daemon keeps its images"
              : "see the daemon's log",
          }),
        );
    });
  });
}

function errorIn(event: unknown): string | undefined {
  if (typeof event !== "object" || event === null || !("error" in event)) return undefined;
  return String(event.error);
}

async function labelsOf(
  docker: Docker,
  tag: string,
): Promise<{ id: string; labels: Record<string, string> } | undefined> {
  try {
    const found = await docker.getImage(tag).inspect();
    return { id: found.Id, labels: found.Config.Labels ?? {} };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function isNotFound(error: unknown): boolean {
  return (
    (error instanceof Error && "statusCode" in error && error.statusCode === 404) || hasCode(error, "404")
  );
}
