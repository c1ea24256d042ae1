import { chmod, lstat, mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { basename, dirname, join, posix, resolve } from "node:path";
import { execa, type Options } from "execa";
import { ExitCode, messageOf, UserError } from "../base/errors.js";
import { fileKind, kindOfPath } from "../base/files.js";
import { printable } from "../base/printable.js";
import { removedAtExit } from "../base/scratch.js";

/** Makes the local command that runs a command inside a machine, as its login user, in their home folder, with our streams. */
export type Inside = (command: readonly string[]) => readonly [file: string, args: readonly string[]];

/**
 * Copies a file or folder into a machine or out of it; the same for every target. Inside the machine, the login user does
 * everything, and a relative path starts in their home folder, as with scp. Links are followed and permissions kept; the
 * copy belongs to the user at the destination. If the destination is a folder, the copy goes into it.
 *
 * @throws UserError with the refusing program's message; exit 2 for a path that can't be copied from or to.
 */
export async function copy(
  inside: Inside,
  direction: "in" | "out",
  local: string,
  remote: string,
): Promise<void> {
  const there = remotePath(remote);
  if (direction === "in") await copyIn(inside, local, there);
  else await copyOut(inside, there, local);
}

/** What is at the end of a remote path. */
interface RemoteFile {
  kind: "file" | "folder" | "other";
  /** Permission bits. */
  mode: number;
  /** As stat names it. */
  words: string;
}

async function copyIn(inside: Inside, from: string, to: string): Promise<void> {
  const what = `can't copy ${from}`;
  const found = await stat(from).catch((error: unknown) => {
    throw refused(what, messageOf(error));
  });
  const kind = fileKind(found);
  if (kind !== "file" && kind !== "folder") throw refused(what, `it is a ${kind}`);
  const end = await remoteFile(inside, to);
  if (end?.kind === "other") throw refused(what, `${to} in the machine is a ${end.words}`);
  if (end?.kind !== "folder" && to.endsWith("/"))
    throw refused(what, `there is no folder ${to} in the machine`);
  if (end?.kind === "file" && kind === "folder") throw refused(what, `${to} in the machine is a file`);
  const target = end?.kind === "folder" ? posix.join(to, basename(resolve(from))) : to;
  if (kind === "file") {
    const mode = (found.mode & 0o777).toString(8);
    const receive = 'cat >"$1" && chmod "$2" "$1"';
    await must(what, inside(["sh", "-c", receive, "sh", target, mode]), { inputFile: from });
  } else {
    const receive = '[ -d "$1" ] || mkdir "$1" && exec tar -xpf - --no-same-owner -C "$1"';
    await pipe(what, packed(from), inside(["sh", "-c", receive, "sh", target]));
  }
}

async function copyOut(inside: Inside, from: string, local: string): Promise<void> {
  const what = `can't copy ${from}`;
  const found = await remoteFile(inside, from);
  if (found === undefined) throw refused(what, "there is nothing of that name in the machine");
  if (found.kind === "other") throw refused(what, `it is a ${found.words}`);
  const to = resolve(local);
  const end = await kindOfPath(to);
  if (end !== undefined && end !== "file" && end !== "folder") throw refused(what, `${local} is a ${end}`);
  if (end !== "folder" && local.endsWith("/")) throw refused(what, `there is no folder ${local} here`);
  if (end === "file" && found.kind === "folder") throw refused(what, `${local} is a file`);
  const target = end === "folder" ? join(to, posix.basename(from)) : to;
  const nested = end === "folder" ? await kindOfPath(target) : undefined;
  if (nested !== undefined && nested !== found.kind) throw refused(what, `${target} is a ${nested}`);
  const scratch = await mkdtemp(join(dirname(target), ".trilab-cp-")).catch((error: unknown) => {
    throw refused(what, messageOf(error));
  });
  const over = removedAtExit(scratch);
  try {
    if (found.kind === "folder") await unpackOut(what, inside, from, { scratch, target });
    else {
      const received = join(scratch, "received");
      // The existing target stays until the copy is complete.
      await must(what, inside(["cat", from]), { stdin: "ignore", stdout: { file: received } });
      await must(what, ["cp", ["--", received, target]]);
      await chmod(target, found.mode);
    }
  } finally {
    over();
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * Copies a folder out of a machine. The machine's root may send anything, so the folder is unpacked in a private place, and
 * only files and folders are moved on.
 */
async function unpackOut(
  what: string,
  inside: Inside,
  from: string,
  { scratch, target }: { scratch: string; target: string },
): Promise<void> {
  const unpacked = join(scratch, "unpacked");
  await mkdir(unpacked);
  const receive: Command = ["tar", ["-xpf", "-", "--no-same-owner", "-C", unpacked]];
  await pipe(what, inside(["tar", "-C", from, "-chf", "-", "--hard-dereference", "."]), receive);
  const dropped = await keepFiles(unpacked);
  await mkdir(target, { recursive: true });
  await must(what, ["cp", ["-Rp", "--", `${unpacked}/.`, target]]);
  if (dropped.length > 0)
    throw new UserError(`${from} was not copied completely`, {
      why: printable(`neither files nor folders: ${dropped.join(", ")}`),
      fix: "only files and folders can be copied",
    });
}

/** Removes everything but files and folders, and set-user-ID bits; folders stay accessible to their owner. @returns what it removed. */
async function keepFiles(dir: string, below = ""): Promise<string[]> {
  const dropped: string[] = [];
  await chmod(dir, ((await lstat(dir)).mode & 0o777) | 0o700);
  for (const name of await readdir(dir)) {
    const path = join(dir, name);
    const found = await lstat(path);
    if (found.isDirectory()) dropped.push(...(await keepFiles(path, join(below, name))));
    else if (found.isFile()) await chmod(path, found.mode & 0o777);
    else {
      await rm(path);
      dropped.push(join(below, name));
    }
  }
  return dropped;
}

/** Relative to the home folder; a name that begins with a hyphen is not read as an option. */
function remotePath(path: string): string {
  const fromHome = path === "~" ? "." : path.replace(/^~\/+/, "");
  return /^-/.test(fromHome) ? `./${fromHome}` : fromHome || ".";
}

/** The kind of a path in the machine, links followed; `undefined` when nothing exists there. */
async function remoteFile(inside: Inside, path: string): Promise<RemoteFile | undefined> {
  // A missing path must not look like a failed connection.
  const look = 'if [ -e "$1" ]; then exec stat -L -c "%f %F" "$1"; else echo none; fi';
  const said = await must(`can't look at ${path}`, inside(["sh", "-c", look, "sh", path]));
  const [, hex, words] = /^([0-9a-f]+) (.+)$/.exec(said.trim()) ?? [];
  if (hex === undefined || words === undefined) return undefined;
  const kind = words === "directory" ? "folder" : /^regular/.test(words) ? "file" : "other";
  return { kind, mode: Number.parseInt(hex, 16) & 0o777, words };
}

type Command = readonly [file: string, args: readonly string[]];

/** A local folder as an archive on standard output: links are followed. */
const packed = (dir: string): Command => [
  "tar",
  ["-C", resolve(dir), "--mode=ug-s", "-chf", "-", "--hard-dereference", "."],
];

/** Runs a command that must succeed. @returns its output. @throws UserError with its message. */
async function must(
  what: string,
  [file, args]: Command,
  options: Pick<Options, "inputFile" | "stdin" | "stdout"> = { stdin: "ignore" },
): Promise<string> {
  const result = await execa(file, args, { reject: false, ...options });
  if (result.exitCode !== 0) throw failed(what, String(result.stderr || result.message || ""));
  return printable(typeof result.stdout === "string" ? result.stdout : "");
}

/** Pipes one command's output into another; both must succeed. */
async function pipe(what: string, [file, args]: Command, [into, rest]: Command): Promise<void> {
  const source = execa(file, args, { buffer: { stdout: false }, stdin: "ignore", reject: false });
  const sink = await source.pipe(into, [...rest], { reject: false });
  const sent = await source;
  // If the receiver fails, the sender fails, too, so the receiver's message comes first.
  if (sink.exitCode !== 0) throw failed(what, String(sink.stderr || sink.message || ""));
  if (sent.exitCode !== 0) throw failed(`${what} whole`, String(sent.stderr || sent.message || ""));
}

/** A path that can't be copied from or to. */
const refused = (what: string, why: string): UserError =>
  new UserError(what, { why: printable(why), fix: "check both paths", exitCode: ExitCode.usage });

/** The error when a program on the way refused. */
const failed = (what: string, why: string): UserError =>
  new UserError(what, {
    why: printable(why).trim(),
    fix: "check both paths, and that the machine runs: trilab status",
  });
