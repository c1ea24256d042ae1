import { readFileSync } from "node:fs";
import { hasCode } from "./errors.js";

/** Whether there is no process of this id any more, or only a zombie, which its parent has not noticed yet. */
export function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The state follows the name, which may contain anything.
    return stat.startsWith("Z", stat.lastIndexOf(")") + 2);
  } catch (error) {
    // Without /proc, only the first question counts.
    return hasCode(error, "ESRCH");
  }
}
