/** Work that is being done on a computer, or a pause. */
interface Running {
  /** Absent: a pause. */
  computer?: string;
  /** Seconds of one CPU, or of the pause. */
  left: number;
  done(): void;
}

/**
 * A clock that jumps from event to event, and computers whose CPUs share the work that is done on them: each piece of work uses at most
 * one CPU, and all on a computer get the same share. So hours of work take milliseconds to rehearse.
 */
export class SimulatedTime {
  /** Seconds since the begin. */
  now = 0;
  private readonly running = new Set<Running>();

  /** @param cpus Of a computer. */
  constructor(private readonly cpus: (computer: string) => number) {}

  /** Does work on a computer. @param seconds Of one CPU that it has alone. */
  work(computer: string, seconds: number): Promise<void> {
    return this.begin({ computer, left: seconds });
  }

  pause(seconds: number): Promise<void> {
    return this.begin({ left: seconds });
  }

  /** Lets the time pass until something has ended. @throws what it throws; Error when it waits for nothing. */
  async run<T>(operation: Promise<T>): Promise<T> {
    let over = false;
    const end = (): void => {
      over = true;
    };
    operation.then(end, end);
    for (;;) {
      // All that happens at this moment, before the time goes on.
      await new Promise((resolve) => setImmediate(resolve));
      if (over) return operation;
      this.jump();
    }
  }

  private begin(what: Omit<Running, "done">): Promise<void> {
    return new Promise((done) => {
      this.running.add({ ...what, done });
    });
  }

  /** Goes to the next moment at which something ends. */
  private jump(): void {
    const busy = new Map<string, number>();
    for (const { computer } of this.running)
      if (computer !== undefined) busy.set(computer, (busy.get(computer) ?? 0) + 1);
    const speed = ({ computer }: Running): number =>
      computer === undefined ? 1 : Math.min(1, this.cpus(computer) / (busy.get(computer) ?? 1));
    const next = Math.min(...[...this.running].map((each) => each.left / speed(each)));
    if (!Number.isFinite(next)) throw new Error("the rehearsal waits for something that never ends");
    this.now += next;
    for (const each of [...this.running]) {
      each.left -= next * speed(each);
      if (each.left > 1e-9) continue;
      this.running.delete(each);
      each.done();
    }
  }
}
