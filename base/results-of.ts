/**
 * The results of `Promise.allSettled`, which waits for all also if one fails.
 *
 * @throws the first failure, in their order.
 */
export function resultsOf<T extends readonly PromiseSettledResult<unknown>[]>(
  ends: T,
): { -readonly [I in keyof T]: T[I] extends PromiseSettledResult<infer R> ? R : never } {
  const results = ends.map((end) => {
    if (end.status === "rejected") throw end.reason;
    return end.value;
  });
  return results as ReturnType<typeof resultsOf<T>>;
}
