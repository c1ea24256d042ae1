import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import type Docker from "dockerode";
import { messageOf } from "../../base/errors.js";
import { asking, passOver } from "./connect.js";
import { follow } from "./image.js";
import { removeLeftovers } from "./leftovers.js";

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
  await asking(what, () => removeLeftovers(docker, LABEL));
  // Other commands try the same daemon.
  const name = `${LABEL}-${randomBytes(6).toString("hex")}`;
  const container = docker.getContainer(name);
  const image = docker.getImage(name);
  try {
    const options = { repo: name, changes: `LABEL ${LABEL}=` };
    const report = await asking(what, () => docker.importImage(Readable.from([EMPTY_TAR]), options));
    await follow(docker, report, what);
    const HostConfig = { StorageOpt: { size: SIZE } };
    await docker.createContainer({ name, Image: name, Cmd: ["-"], HostConfig });
    return true;
  } catch (error) {
    if (/storage-opt|storage option|quota/i.test(messageOf(error))) return false;
    throw error;
  } finally {
    await asking(what, () => container.remove({ force: true }).catch(passOver(404)));
    await asking(what, () => image.remove({ force: true }).catch(passOver(404)));
  }
}

/** Of the image, whose containers inherit it. */
const LABEL = "trilab-tries-layer-size";

interface StorageInfo {
  Driver?: string;
  DriverStatus?: [string, string][] | null;
}

/** Whether it is worth a try. Pure. */
export function mayLimitDisk({ Driver = "", DriverStatus }: StorageInfo): boolean {
  const backing = DriverStatus?.find(([key]) => key === "Backing Filesystem")?.[1];
  return ["btrfs", "zfs"].includes(Driver) || (Driver === "overlay2" && backing === "xfs");
}
