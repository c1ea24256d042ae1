import type Docker from "dockerode";
import { passOver } from "./connect.js";

/** A container or image that is older was left behind by a killed command, in seconds. A try takes a moment. */
const LEFT_S = 3600;

/**
 * Removes what killed commands left behind when they tried what the daemon can do. What another command tries now stays.
 *
 * @param label Of the containers, and of the images that were made for them.
 */
export async function removeLeftovers(docker: Docker, label: string): Promise<void> {
  const filters = { label: [label] };
  const isOld = ({ Created }: { Created: number }): boolean => Created < Date.now() / 1000 - LEFT_S;
  const containers = await docker.listContainers({ all: true, filters });
  for (const { Id } of containers.filter(isOld))
    await docker.getContainer(Id).remove({ force: true }).catch(passOver(404, 409));
  const images = await docker.listImages({ filters });
  for (const { Id } of images.filter(isOld))
    await docker.getImage(Id).remove({ force: true }).catch(passOver(404, 409));
}
