/** How a machine is stopped. */
export interface StopOptions {
  /** Switches it off at once: what it has not written to its disk is lost. Default false: it is asked to end by itself. */
  force?: boolean;
  /**
   * How long it may take to end by itself, in milliseconds; then it is switched off. Default 40 000. EC2 has a limit of its own, of
   * some minutes.
   */
  graceMs?: number;
  /** Aborting it ends the waiting. */
  signal?: AbortSignal | undefined;
}

/** How long a machine may take to end by itself, in milliseconds. */
export const GRACE_MS = 40_000;

/** How a machine ended: by itself, switched off, or it was off already. */
export type Ending = "clean" | "forced" | "off";
