/** Runs calls to a daemon or a service, and converts their errors. */
export interface Asking {
  /** Runs one call. `what` says for people what failed. */
  asking<T>(what: string, call: () => Promise<T>): Promise<T>;
  /** As `asking`, but "no such thing" is undefined. */
  lookUp<T>(what: string, call: () => Promise<T>): Promise<T | undefined>;
}

/**
 * @param convert What is thrown in place of a call's error.
 * @param isGone Whether an error says that there is no such thing.
 */
export const askingWith = (
  convert: (what: string, error: unknown) => unknown,
  isGone: (error: unknown) => boolean,
): Asking => ({
  async asking(what, call) {
    try {
      return await call();
    } catch (error) {
      throw convert(what, error);
    }
  },
  async lookUp(what, call) {
    try {
      return await call();
    } catch (error) {
      if (isGone(error)) return undefined;
      throw convert(what, error);
    }
  },
});
