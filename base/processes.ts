import { readFileSync } from "node:fs";
import { hasCode } from "./errors.js";

/** The name and parent of a running process, from /proc; `undefined` when it has ended, and of a zombie, which its parent has not noticed yet. */
export function processOf(pid: number): { name: string; parent: number } | undefined {
  const fields = /\((.*)\) (\S) (\d+)/s.exec(statOf(pid) ?? "");
  if (fields === null || fields[2] === "Z") return undefined;
  return { name: fields[1] ?? "", parent: Number(fields[3]) };
}

/** Whether there is no process of this id any more, or only a zombie. */
export function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (hasCode(error, "ESRCH")) return true;
  }
  // Without /proc, only the first question counts.
  return statOf(pid) !== undefined && processOf(pid) === undefined;
}

/** `pid (name) state parent …`; the name may contain anything. Synchronous: reading a file of /proc takes microseconds. */
function statOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
}
