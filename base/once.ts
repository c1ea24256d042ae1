/** Results that several tasks share: each is made at its first use and kept as long as this object. A failure is not kept. */
export class Once {
  readonly #results = new Map<string, Promise<unknown>>();

  /** @param key Names the result; everything that asks for it by this name must make the same. */
  get<T>(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.#results.get(key);
    if (known) return known as Promise<T>;
    const made = make();
    this.#results.set(key, made);
    made.catch(() => this.#results.delete(key));
    return made;
  }
}
