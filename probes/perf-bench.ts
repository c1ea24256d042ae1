import { numberIn } from "./run-in.js";

/** Microseconds per operation, from the default output of any `perf bench`. Pure. */
export const parsePerfBench = (output: string): number =>
  numberIn(output, /^\s*([\d.]+) usecs\/op$/m, "time per operation");
