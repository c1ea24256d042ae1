import { open } from "node:fs/promises";

/** What the header of a qcow2 file says of it. */
export interface Qcow2Header {
  /** The path of the disk that it is an overlay of; `undefined`: none. */
  backing: string | undefined;
  /** Bytes of the disk in it. */
  capacity: number;
  /** Whether its data are in another file, or it needs something that its reader may not know. */
  isPlain: boolean;
}

const MAGIC = 0x514649fb;
/** Bit 0 says that it was not closed, which QEMU repairs. */
const HARMLESS_FEATURES = 1n;
/** The longest path that the format allows. */
const MAX_BACKING = 1023;

/**
 * Reads the header of a qcow2 file, version 2 or 3, as QEMU's docs/interop/qcow2.txt describes it.
 *
 * @returns `undefined` when it is no qcow2 file.
 */
export async function readQcow2Header(path: string): Promise<Qcow2Header | undefined> {
  const file = await open(path);
  try {
    const header = Buffer.alloc(104);
    const { bytesRead } = await file.read(header, 0, header.length, 0);
    if (bytesRead < 72 || header.readUInt32BE(0) !== MAGIC) return undefined;
    const version = header.readUInt32BE(4);
    const [backingAt, backingLength] = [Number(header.readBigUInt64BE(8)), header.readUInt32BE(16)];
    if (backingLength > MAX_BACKING) return undefined;
    const backing = Buffer.alloc(backingLength);
    const read = backingAt > 0 ? (await file.read(backing, 0, backingLength, backingAt)).bytesRead : 0;
    const features = version >= 3 ? header.readBigUInt64BE(72) : 0n;
    const isEncrypted = header.readUInt32BE(32) !== 0;
    return {
      backing: backingAt > 0 ? backing.toString("utf8", 0, read) : undefined,
      capacity: Number(header.readBigUInt64BE(24)),
      isPlain: [2, 3].includes(version) && !isEncrypted && (features & ~HARMLESS_FEATURES) === 0n,
    };
  } finally {
    await file.close();
  }
}
