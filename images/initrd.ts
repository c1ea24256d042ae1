import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { initrdDir } from "./assets.js";
import { moduleLoadOrder } from "./kernel.js";

/** One entry of a cpio archive. `device` makes it a character device. */
export interface CpioEntry {
  path: string;
  /** st_mode, with the file's type. */
  mode: number;
  content?: Buffer | undefined;
  device?: { major: number; minor: number };
}

/** Writes cpio's "newc" format, which the kernel unpacks. Owner 0:0 and time 0, so that the same input gives the same bytes. */
export function cpio(entries: readonly CpioEntry[]): Buffer {
  const parts: Buffer[] = [];
  const put = (entry: CpioEntry, inode: number): void => {
    const content = entry.content ?? Buffer.alloc(0);
    const name = Buffer.from(`${entry.path}\0`);
    const { major, minor } = entry.device ?? { major: 0, minor: 0 };
    const fields = [inode, entry.mode, 0, 0, 1, 0, content.length, 0, 0, major, minor, name.length, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
    parts.push(padded(Buffer.concat([Buffer.from(header), name])), padded(content));
  };
  for (const [index, entry] of entries.entries()) put(entry, index + 1);
  put({ path: "TRAILER!!!", mode: 0 }, 0);
  return Buffer.concat(parts);
}

function padded(buffer: Buffer): Buffer {
  return Buffer.concat([buffer, Buffer.alloc((4 - (buffer.length % 4)) % 4)]);
}

/** The programs that init uses; `run-init` is klibc's switch_root. */
const programs = ["sh", "mount", "umount", "insmod", "sleep", "reboot", "run-init"];

/**
 * The guest's initrd: klibc's small programs, init, and the virtio modules of this kernel. It is not compressed, because an
 * emulated CPU would take longer to decompress it than it takes to load it.
 *
 * @param tree Folder with the root's `usr/lib/modules`, `usr/lib/klibc` and `usr/lib/klibc-*.so`.
 */
export async function buildInitrd(tree: string, kernelRelease: string): Promise<Buffer> {
  const lib = join(tree, "usr/lib");
  const wanted = (await readFile(join(initrdDir, "modules"), "utf8"))
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  const modulesDir = join(lib, "modules", kernelRelease);
  const modules = moduleLoadOrder(await readFile(join(modulesDir, "modules.dep"), "utf8"), wanted);
  const runtime = (await readdir(lib)).filter((name) => /^klibc-.*\.so$/.test(name));
  if (runtime.length === 0) throw new Error("the root file system has no klibc (package klibc-utils)");
  const dir = (path: string): CpioEntry => ({ path, mode: 0o040755 });
  const file = async (path: string, from: string): Promise<CpioEntry> => ({
    path,
    mode: 0o100755,
    content: await readFile(from),
  });
  const order = modules.map((path) => `${basename(path)}\n`).join("");
  return cpio([
    ...["bin", "dev", "lib", "modules", "proc", "root"].map(dir),
    // Without it, the kernel can't open init's standard streams.
    { path: "dev/console", mode: 0o020600, device: { major: 5, minor: 1 } },
    ...(await Promise.all(runtime.map((name) => file(`lib/${name}`, join(lib, name))))),
    ...(await Promise.all(programs.map((name) => file(`bin/${name}`, join(lib, "klibc/bin", name))))),
    await file("init", join(initrdDir, "init")),
    { path: "modules/order", mode: 0o100644, content: Buffer.from(order) },
    ...(await Promise.all(modules.map((path) => file(`modules/${basename(path)}`, join(modulesDir, path))))),
  ]);
}
