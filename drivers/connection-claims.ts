import { mkdir, readdir, readlink, rm, rmdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { digest } from "../base/digest.js";
import { hasCode } from "../base/errors.js";
import { hasEnded } from "../base/processes.js";
import { privateScratchRoot, scratchRoot } from "../base/scratch.js";

/**
 * Where the sockets of kept connections are (kept-connections.ts), and the claims that let only one process open each. A claim is a
 * link beside the socket that names the process. A process that was killed leaves its claim behind.
 */

const CLAIM = ".new";

/** A short name for these words, as the path of a socket has to be short. */
export const shortName = (...words: string[]): string => digest(words).slice(0, 12);

/** The folder with the sockets of all machines of this state directory. */
const folder = (): string => join(scratchRoot(), "ssh");

/** The folder with the sockets of one machine. */
export const machineFolder = (machine: string): string => join(folder(), shortName(machine));

/** Whether the folder of all sockets is this user's alone: who listens at a socket poses as the machine. */
export const isOurs = (): Promise<boolean> =>
  privateScratchRoot().then(
    () => true,
    () => false,
  );

/** The sockets in the folder of a machine, without claims. */
export async function socketsIn(dir: string): Promise<string[]> {
  return (await files(dir)).filter((file) => !isClaim(file));
}

/**
 * Lets this process alone open a connection: two that open it at once would each say on standard error that the other is there.
 *
 * @returns how to give the claim back, or `undefined` if another process opens the connection.
 */
export async function claim(socket: string): Promise<(() => Promise<void>) | undefined> {
  const path = `${socket}${CLAIM}`;
  const dir = dirname(path);
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await symlink(String(process.pid), path);
  } catch (error) {
    if (hasCode(error, "EEXIST")) await dropClaim(path); // The next command may.
    return undefined;
  }
  return async () => {
    await rm(path, { force: true });
    await removeUnused(dir); // None was opened.
  };
}

/** Removes what killed commands left of connections that they were opening, and the folders of machines that have none. */
export async function sweepClaims(): Promise<void> {
  const machines = await files(folder());
  if (machines.length === 0 || !(await isOurs())) return;
  for (const dir of machines) await removeUnused(dir);
}

/** Removes the claims of killed processes in a machine's folder; then the folder, and those above it, as far as they are empty. */
export async function removeUnused(dir: string): Promise<void> {
  await Promise.all((await files(dir)).filter(isClaim).map(dropClaim));
  for (const each of [dir, folder(), scratchRoot()]) await rmdir(each).catch(() => {});
}

const isClaim = (file: string): boolean => file.endsWith(CLAIM);

/** Removes a claim if its process was killed. One that is no link is of an older version. */
async function dropClaim(path: string): Promise<void> {
  const pid = await readlink(path).then(Number, (error: unknown) =>
    hasCode(error, "EINVAL") ? 0 : undefined,
  );
  if (pid !== undefined && (pid === 0 || hasEnded(pid))) await rm(path, { force: true });
}

/** The files in a folder; none if it is missing. */
const files = async (dir: string): Promise<string[]> =>
  (await readdir(dir).catch(() => [])).map((name) => join(dir, name));
