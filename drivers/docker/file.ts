import type Docker from "dockerode";

/** Bytes of a header in a tar file, and where in it the file's size stands, in octal. */
const BLOCK = 512;
const SIZE = { from: 124, to: 136 } as const;

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
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(Buffer.from(chunk));
    return firstFileOf(Buffer.concat(chunks));
  } catch (error) {
    if (error instanceof Error && "statusCode" in error && error.statusCode === 404) return undefined;
    throw error;
  }
}

/** The text of the first file in a tar; empty when it is cut short. Pure. */
export function firstFileOf(tar: Buffer): string {
  const size = Number.parseInt(tar.toString("latin1", SIZE.from, SIZE.to), 8);
  return Number.isNaN(size) ? "" : tar.toString("utf8", BLOCK, BLOCK + size);
}
