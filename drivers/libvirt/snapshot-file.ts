import { join } from "node:path";
import { UserError } from "../../base/errors.js";
import { printable } from "../../base/printable.js";
import { snapshotVolumes } from "../../model/snapshots.js";
import { formatSize } from "../../model/units.js";
import type { Connection } from "./connection.js";
import { readQcow2Header } from "./qcow2.js";
import { baseDiskPath, type FreshDisk } from "./recreate-disk.js";
import { uploadManifest } from "./snapshot.js";
import { downloadVolume, uploadVolume } from "./volume-copy.js";

/** The local file that a domain's snapshot is written to, and read from. */
export const SNAPSHOT_FILE = "disk.qcow2";

/** Writes the disk of a snapshot to {@link SNAPSHOT_FILE} in a folder, without what its base has. */
export const writeSnapshot = (
  libvirt: Connection,
  domain: string,
  { dir, name }: { dir: string; name: string },
): Promise<void> => downloadVolume(libvirt, snapshotVolumes(domain, name).disk, join(dir, SNAPSHOT_FILE));

/**
 * Makes a snapshot of a domain from such a file.
 *
 * @param disk How the domain's disk was when it was made.
 * @throws UserError when it is no overlay of the same base: QEMU would read whatever file it names.
 */
export async function readSnapshot(
  libvirt: Connection,
  domain: string,
  { dir, disk, name }: { dir: string; disk: Pick<FreshDisk, "capacity" | "image">; name: string },
): Promise<void> {
  const file = join(dir, SNAPSHOT_FILE);
  const header = await readQcow2Header(file);
  const base = baseDiskPath(disk.image);
  const problem = !header?.isPlain
    ? "it is no plain qcow2 file"
    : header.backing !== base
      ? `it is an overlay of ${header.backing ?? "nothing"}, and not of ${base}`
      : header.capacity !== disk.capacity
        ? `it has ${formatSize(header.capacity)}, and the seat's disk has ${formatSize(disk.capacity)}`
        : undefined;
  if (problem !== undefined) {
    throw new UserError(`the disk in the file can't be one of ${domain}`, {
      why: `${printable(problem)}; nothing was changed`,
      fix: "import it into a seat with the same image and the same size of disk",
    });
  }
  await uploadVolume(libvirt, file, snapshotVolumes(domain, name).disk);
  await uploadManifest(libvirt, domain, name);
}
