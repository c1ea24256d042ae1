import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type Docker from "dockerode";

/**
 * A small text file in a container, running or not.
 *
 * @returns `undefined` when there is no such file or container.
 */
export async function readContainerFile(
  docker: Docker,
  id: string,
  path: string,
): Promise<string | undefined> {
  try {
    const stream = await docker.getContainer(id).getArchive({ path });
    return await firstFileOf(stream);
  } catch (error) {
    if (error instanceof Error && "statusCode" in error && error.statusCode === 404) return undefined;
    throw error;
  }
}

/** The text of the first file in a tar; empty when there is none. @throws Error when the tar is damaged or cut short. */
export async function firstFileOf(tar: NodeJS.ReadableStream): Promise<string> {
  const { extract } = await import("tar-stream");
  let first: string | undefined;
  const files = extract();
  files.on("entry", ({ type }, content, next) => {
    text(content).then((read) => {
      if (type === "file") first ??= read;
      next();
    }, next);
  });
  await pipeline(tar, files);
  return first ?? "";
}
