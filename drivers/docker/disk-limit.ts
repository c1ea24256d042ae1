import { Readable } from "node:stream";
import type Docker from "dockerode";
import { asking } from "./connect.js";
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
  const id = await importEmpty(docker, what);
  try {
    const options = { Image: id, Cmd: ["-"], HostConfig: { StorageOpt: { size: SIZE } } };
    const made = await docker.createContainer(options).catch(() => undefined);
    if (made) await asking(what, () => made.remove({ force: true }));
    return made !== undefined;
  } finally {
    await docker
      .getImage(id)
      .remove({ force: true })
      .catch(() => {}); // It is empty.
  }
}

interface StorageInfo {
  Driver?: string;
  DriverStatus?: [string, string][] | null;
}

/** Whether it is worth a try. Pure. */
export function mayLimitDisk({ Driver = "", DriverStatus }: StorageInfo): boolean {
  const backing = DriverStatus?.find(([key]) => key === "Backing Filesystem")?.[1];
  return ["btrfs", "zfs"].includes(Driver) || (Driver === "overlay2" && backing === "xfs");
}

/** Imports an image without files and name. @returns its id. */
async function importEmpty(docker: Docker, what: string): Promise<string> {
  const report = await asking(what, () => docker.importImage(Readable.from([EMPTY_TAR])));
  const events = await follow(docker, report, what);
  const id = events
    .map((event) => /sha256:[0-9a-f]{64}/.exec(JSON.stringify(event))?.[0])
    .find((found) => found !== undefined);
  if (id === undefined) throw new Error(`${what}: it did not name the image that it imported`);
  return id;
}
