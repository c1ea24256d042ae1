/** Lets at most so many in at once. The others wait, first come, first served. */
export class Gate {
  readonly #waiting: (() => void)[] = [];
  #places: number;

  constructor(places: number) {
    this.#places = places;
  }

  /** Waits for a place. @returns what gives the place back; more than one call does nothing. */
  async enter(): Promise<() => void> {
    if (this.#places > 0) this.#places -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      const next = this.#waiting.shift();
      if (next) next();
      else this.#places += 1;
    };
  }
}
