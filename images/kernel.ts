import { readdir, readFile, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { gunzipSync } from "node:zlib";
import { unpackLegacyLz4 } from "./lz4.js";
import { runTool } from "./run-tool.js";

/** The position of the compressed kernel in a bzImage (x86 boot protocol 2.08 or later), and its unpacked size. */
export function bzImagePayload(image: Buffer): { offset: number; length: number; unpackedSize: number } {
  if (image.length < 0x250 || image.toString("latin1", 0x202, 0x206) !== "HdrS")
    throw new Error("this is not a bzImage: no HdrS at 0x202");
  const setupSectors = image.readUInt8(0x1f1) || 4;
  const offset = (setupSectors + 1) * 512 + image.readUInt32LE(0x248);
  // The payload's last four bytes are the size.
  const length = image.readUInt32LE(0x24c) - 4;
  if (length <= 0 || offset + length + 4 > image.length) throw new Error("this bzImage is cut short");
  return { offset, length, unpackedSize: image.readUInt32LE(offset + length) };
}

/**
 * Unpacks a bzImage to the ELF vmlinux, which QEMU's firmware starts directly (PVH): without a boot loader, and without
 * decompression on an emulated CPU. Debian's kernels use LZ4, others gzip, xz or zstd.
 */
export async function unpackKernel(bzImage: string, vmlinux: string): Promise<void> {
  const image = await readFile(bzImage);
  const { offset, length, unpackedSize } = bzImagePayload(image);
  const payload = image.subarray(offset, offset + length);
  const elf = await unpackPayload(payload, unpackedSize, vmlinux);
  if (elf.toString("latin1", 1, 4) !== "ELF")
    throw new Error(`${bzImage}: what it unpacks to is no ELF file`);
  await writeFile(vmlinux, elf);
}

const tools: ReadonlyArray<{ magic: string; tool: string; suffix: string }> = [
  { magic: "fd377a585a00", tool: "xz", suffix: ".xz" },
  { magic: "28b52ffd", tool: "zstd", suffix: ".zst" },
];

async function unpackPayload(payload: Buffer, size: number, scratch: string): Promise<Buffer> {
  const startsWith = (magic: string): boolean => payload.toString("hex", 0, magic.length / 2) === magic;
  if (startsWith("02214c18")) return unpackLegacyLz4(payload, size);
  if (startsWith("1f8b")) return gunzipSync(payload);
  const format = tools.find(({ magic }) => startsWith(magic));
  if (format === undefined)
    throw new Error(
      `the kernel is compressed in an unknown way (it begins ${payload.toString("hex", 0, 6)})`,
    );
  const packed = `${scratch}${format.suffix}`;
  await writeFile(packed, payload);
  await runTool(format.tool, ["-d", "-f", "-q", packed]);
  return await readFile(scratch);
}

/** The newest kernel release in a root's /boot: `6.1.0-56-cloud-amd64`. */
export async function newestKernelRelease(bootDir: string): Promise<string> {
  const releases = (await readdir(bootDir))
    .filter((name) => name.startsWith("vmlinuz-"))
    .map((name) => name.slice("vmlinuz-".length))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const newest = releases.filter((release) => release.includes("cloud")).at(-1) ?? releases.at(-1);
  if (newest === undefined) throw new Error("the root file system has no kernel in /boot");
  return newest;
}

/**
 * The wanted modules of this kernel and the modules that they depend on, in the order in which they must be loaded.
 * Leaves out modules that are built in or that this kernel does not have.
 *
 * @param modulesDep The kernel's modules.dep: `kernel/a/b.ko: kernel/c/d.ko …`, paths within the modules folder.
 */
export function moduleLoadOrder(modulesDep: string, wanted: readonly string[]): string[] {
  const dependencies = new Map<string, string[]>();
  for (const line of modulesDep.split("\n")) {
    const [path, rest] = line.split(":");
    if (path !== undefined && rest !== undefined)
      dependencies.set(
        path,
        rest.split(" ").filter((part) => part !== ""),
      );
  }
  // A module's name may be written with "-" or "_".
  const nameOf = (path: string): string => basename(path, ".ko").replaceAll("-", "_");
  const byName = new Map([...dependencies.keys()].map((path) => [nameOf(path), path]));
  const order = new Set<string>();
  const visit = (path: string): void => {
    if (order.has(path)) return;
    for (const needed of dependencies.get(path) ?? []) visit(needed);
    order.add(path);
  };
  for (const name of wanted) {
    const path = byName.get(name.replaceAll("-", "_"));
    if (path !== undefined) visit(path);
  }
  return [...order];
}
