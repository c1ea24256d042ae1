/**
 * The file in which libvirt saves a running domain: a header, the domain's XML and a cookie in a block of fixed length, and QEMU's
 * migration stream. Format: struct _virQEMUSaveHeader in libvirt's src/qemu/qemu_saveimage.h. libvirt itself refuses to change
 * the domain's name and UUID in it.
 */

const MAGIC = "LibvirtQemudSave";
const VERSION = 2;
/** Bytes of the header: the magic, five 32-bit numbers and 14 unused ones, in the order of the host's bytes. */
const HEADER = MAGIC.length + 19 * 4;
const AT = { version: 16, dataLength: 20, cookieOffset: 32 };

/** The longest block with the XML that is read. */
const LONGEST = 1024 * 1024;

/** Bytes at the start of a file that contain what {@link saveStart} needs first. */
export const SAVE_HEADER = HEADER;

/** How many bytes at the start of a saved domain are header, XML and cookie. Pure. @throws Error when it is none that we know. */
export function saveStart(header: Buffer): number {
  const isKnown =
    header.length >= HEADER &&
    header.toString("latin1", 0, MAGIC.length) === MAGIC &&
    header.readUInt32LE(AT.version) === VERSION;
  const length = isKnown ? header.readUInt32LE(AT.dataLength) : 0;
  if (!isKnown || length > LONGEST) throw new Error("this is no domain that libvirt has saved");
  return HEADER + length;
}

/**
 * The start of a saved domain with another domain's XML in it, of the same length. Pure.
 *
 * @param start Its first {@link saveStart} bytes.
 * @throws Error when the XML is longer than the old one with the space after it.
 */
export function withDefinition(start: Buffer, xml: string): Buffer {
  const cookieAt = start.readUInt32LE(AT.cookieOffset);
  const cookieEnd = cookieAt === 0 ? 0 : start.indexOf(0, HEADER + cookieAt);
  const cookie = cookieAt === 0 ? Buffer.alloc(0) : start.subarray(HEADER + cookieAt, cookieEnd + 1);
  const text = Buffer.from(`${xml}\0`);
  const changed = Buffer.alloc(start.length);
  start.copy(changed, 0, 0, HEADER);
  if (HEADER + text.length + cookie.length > start.length)
    throw new Error(`the XML is too long for the saved domain: ${text.length} bytes`);
  text.copy(changed, HEADER);
  cookie.copy(changed, HEADER + text.length);
  if (cookieAt !== 0) changed.writeUInt32LE(text.length, AT.cookieOffset);
  return changed;
}
