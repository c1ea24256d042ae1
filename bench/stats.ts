/** A summary of several measurements. */
export interface Summary {
  median: number;
  min: number;
  max: number;
  /** In the order in which they were measured. */
  samples: readonly number[];
}

/** The middle value; for an even number of values, the mean of the middle two. @throws RangeError if there is none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError("no median of no values");
  return (lower + upper) / 2;
}

/** A summary; `undefined` if there are no values. */
export function summarize(samples: readonly number[]): Summary | undefined {
  if (samples.length === 0) return undefined;
  return { median: median(samples), min: Math.min(...samples), max: Math.max(...samples), samples };
}
