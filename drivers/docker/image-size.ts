import type Docker from "dockerode";
import { HostCostError } from "../machine.js";
import { daemonError, daemonSays, isGone, statusOf } from "./connect.js";

/**
 * Bytes of an image's files, unpacked. `Size` is not that everywhere: with containerd's image store it counts the compressed layers,
 * with or without the unpacked ones.
 *
 * @param image Its tag or id.
 * @throws HostCostError when the daemon does not have the image, or does not tell.
 */
export async function unpackedBytes(docker: Docker, image: string): Promise<number> {
  const layers = (await ofImage(() => docker.getImage(image).history())) as { Size: number }[];
  const bytes = layers.reduce((sum, { Size }) => sum + Size, 0);
  // The history is a part of the image, and an image without one is allowed.
  if (!(bytes > 0))
    throw new HostCostError("the Docker daemon does not tell how large the image's layers are");
  return bytes;
}

/** Asks about an image. @throws HostCostError when the daemon does not have it, or can't read it. */
export async function ofImage<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (isGone(error)) throw new HostCostError("the Docker daemon does not have the image any more");
    const what = "the image can't be read";
    if (statusOf(error) === undefined) throw daemonError(what, error);
    throw new HostCostError(`${what}: ${daemonSays(error)}`);
  }
}
