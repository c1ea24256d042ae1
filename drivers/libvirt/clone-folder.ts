import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasCode } from "../../base/errors.js";

/** A folder of this process's own for what a clone is made from: its host key is in there. Mode 0700. */
export async function cloneFolder(): Promise<string> {
  await sweepCloneFolders();
  return mkdtemp(join(tmpdir(), `trilab-clone-${process.pid}-`));
}

/** Removes such folders of processes that were killed; those of other users stay. */
export async function sweepCloneFolders(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = /^trilab-clone-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && hasEnded(Number(pid)))
      await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {});
  }
}

function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return hasCode(error, "ESRCH");
  }
}
