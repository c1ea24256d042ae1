import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { MiB } from "../model/units.js";

/** How often it is measured, in milliseconds. Reading a process's PSS takes some milliseconds. */
const EVERY_MS = 500;

/**
 * Watches the memory of a process and of all processes that it starts, as PSS: memory that several share counts once.
 *
 * @returns a function that ends the watch and returns the maximum, in MiB.
 */
export function watchMemory(pid: number): () => Promise<number> {
  let over = false;
  const watching = (async () => {
    let most = 0;
    while (!over) {
      const sizes = await Promise.all((await treeOf(pid)).map(pssOf));
      most = Math.max(
        most,
        sizes.reduce((sum, size) => sum + size, 0),
      );
      await sleep(EVERY_MS);
    }
    return most / MiB;
  })();
  return () => {
    over = true;
    return watching;
  };
}

/** A process and its descendants. */
async function treeOf(root: number): Promise<number[]> {
  const names = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const parents = await Promise.all(
    names.map(async (name) => {
      const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
      return { pid: Number(name), parent: Number(/\) \S (\d+)/.exec(stat)?.[1]) };
    }),
  );
  const tree = [root];
  for (const pid of tree) tree.push(...parents.filter(({ parent }) => parent === pid).map((p) => p.pid));
  return tree;
}

/** Bytes; 0 for a process that has ended. */
async function pssOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
  return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0) * 1024;
}
