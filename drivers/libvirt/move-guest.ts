import { execa } from "execa";
import { compressTo, expandFrom } from "../compressed-file.js";
import type { Connection } from "./connection.js";
import { DISK_POOL } from "./pools.js";
import { createVolume, createVolumeFrom } from "./recreate-disk.js";
import { VirshError } from "./virsh.js";
import { emptyVolumeXml } from "./volume-copy.js";

/** The compressed files of a guest. Without a kernel and an initrd, it boots from its disk. */
export const PACKED = { disk: "disk.qcow2.gz", kernel: "kernel.gz", initrd: "initrd.gz" } as const;

/** Writes an overlay and the image under it to one new volume of the seats' pool, which needs no other. Its domain must be off. */
export async function mergeOverlay(
  libvirt: Connection,
  overlay: string,
  volume: string,
  capacity: number,
): Promise<void> {
  const xml = `<volume type="file"><name>${volume}</name><capacity unit="bytes">${capacity}</capacity>
<target><format type="qcow2"/><permissions><mode>0600</mode></permissions><compat>1.1</compat></target></volume>
`;
  await createVolumeFrom(libvirt, xml, overlay);
}

/** Writes a volume, given by its path, to a compressed file. */
export async function packVolume(
  libvirt: Connection,
  path: string,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const args = ["vol-download", path, "/dev/stdout"];
  const virsh = piped(libvirt, WRITES, args, signal);
  await bothDone(ended(virsh, args), compressTo(file, virsh.stdout, signal));
}

/** Makes a volume of the seats' pool from such a file. */
export async function unpackVolume(
  libvirt: Connection,
  file: string,
  volume: string,
  signal: AbortSignal,
): Promise<void> {
  await createVolume(libvirt, emptyVolumeXml(volume, 0));
  const args = ["vol-upload", volume, "/dev/stdin", "--pool", DISK_POOL.name];
  const virsh = piped(libvirt, READS, args, signal);
  await bothDone(ended(virsh, args), expandFrom(file, virsh.stdin, signal));
  // Until it is read again, libvirt knows the format and size of the empty one.
  await libvirt.refreshPool(DISK_POOL.name);
}

/** Waits for virsh and for its pipe; if both fail, virsh says why. */
async function bothDone(virsh: Promise<void>, pipe: Promise<void>): Promise<void> {
  const ends = await Promise.allSettled([virsh, pipe]);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

/** virsh opens /dev/stdout by its name, which only a real pipe allows; a child's pipes are sockets. */
const WRITES = 'set -o pipefail; "$@" | cat';
const READS = 'set -o pipefail; cat | "$@"';

/** Runs virsh with a pipe to it or from it. It ends with the signal, because its pipe does. */
const piped = (libvirt: Connection, script: string, args: readonly string[], signal: AbortSignal) =>
  execa("bash", ["-c", script, "bash", "virsh", "--quiet", "--connect", libvirt.uri, ...args], {
    buffer: { stdout: false },
    env: { LC_ALL: "C" },
    reject: false,
    cancelSignal: signal,
  });

/** @throws VirshError when virsh refused. */
async function ended(
  virsh: PromiseLike<{ exitCode?: number | undefined; stderr?: unknown; message?: string | undefined }>,
  args: readonly string[],
): Promise<void> {
  const { exitCode, message, stderr } = await virsh;
  if (exitCode !== 0) throw new VirshError(args, String(stderr || message));
}
