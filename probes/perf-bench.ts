import { numberIn } from "./run-in.js";

/** Microseconds an operation, from any `perf bench` in its default format. Pure. */
export const parsePerfBench = (output: string): number =>
  numberIn(output, /^\s*([\d.]+) usecs\/op$/m, "time an operation");
