import { Readable } from "node:stream";
import type Docker from "dockerode";
import { messageOf } from "../../base/errors.js";
import { asking, passOver } from "./connect.js";
import { follow } from "./image.js";

/** An archive without files: two empty blocks. */
const EMPTY_TAR = Buffer.alloc(1024);
/** Any size that is large enough for every storage driver. */
const SIZE = String(2 ** 30);

/**
 * Whether the daemon can limit the size of a container's layer. Only some storage drivers can, and overlay2 only on XFS with project
 * quotas, which the daemon does not report. So it is tried, with an empty image and a container that never starts.
 */
export async function limitsDisk(docker: Docker): Promise<boolean> {
  const what = "the daemon's storage driver can't be tried";
  const info = await asking(what, () => docker.info());
  if (!mayLimitDisk(info as StorageInfo)) return false;
  const remove = async (): Promise<void> => {
    await docker.getContainer(NAME).remove({ force: true }).catch(passOver(404));
    await docker.getImage(NAME).remove({ force: true }).catch(passOver(404));
  };
  await asking(what, remove); // What a killed command left behind.
  try {
    const report = await asking(what, () => docker.importImage(Readable.from([EMPTY_TAR]), { repo: NAME }));
    await follow(docker, report, what);
    const HostConfig = { StorageOpt: { size: SIZE } };
    await docker.createContainer({ name: NAME, Image: NAME, Cmd: ["-"], HostConfig });
    return true;
  } catch (error) {
    if (/storage-opt|storage option|quota/i.test(messageOf(error))) return false;
    throw error;
  } finally {
    await asking(what, remove);
  }
}

/** Of the image and the container. */
const NAME = "trilab-tries-layer-size";

interface StorageInfo {
  Driver?: string;
  DriverStatus?: [string, string][] | null;
}

/** Whether it is worth a try. Pure. */
export function mayLimitDisk({ Driver = "", DriverStatus }: StorageInfo): boolean {
  const backing = DriverStatus?.find(([key]) => key === "Backing Filesystem")?.[1];
  return ["btrfs", "zfs"].includes(Driver) || (Driver === "overlay2" && backing === "xfs");
}
