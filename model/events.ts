import type { Progress } from "../base/progress.js";
import type { SeatId, Target } from "./naming.js";

/** The subject of a step. */
export interface StepAbout {
  /** Names the step within its operation: `image`, `deploy`, `answer`. */
  step: string;
  /** The same for people: `guest: answering`. */
  title: string;
  seat?: SeatId;
  machine?: Target;
  /** Its end is not worth a line: what it does is shown otherwise. Default false. */
  passing?: true;
}

/**
 * What happens in an operation. `started` and `done` or `failed` enclose a step. `progress` says what it does now. A `note`
 * stays visible after the step. A note outside a step has an empty title.
 */
export interface StepEvent extends StepAbout {
  /** ISO 8601. */
  at: string;
  state: "started" | "progress" | "note" | "done" | "failed";
  text?: string;
  /** Of a step that is over. */
  seconds?: number;
}

/** Reports the steps of an operation as events. */
export class Steps {
  constructor(private readonly emit: (event: StepEvent) => void) {}

  /** Runs one step. Passes on its errors. */
  async run<T>(about: StepAbout, work: (progress: Progress) => Promise<T>): Promise<T> {
    const began = performance.now();
    const emit = (state: StepEvent["state"], more: Partial<StepEvent> = {}): void =>
      this.emit({ at: new Date().toISOString(), ...about, state, ...more });
    emit("started");
    const over = (state: "done" | "failed"): void =>
      emit(state, { seconds: (performance.now() - began) / 1000 });
    try {
      const result = await work({
        update: (text) => emit("progress", { text }),
        note: (text) => emit("note", { text }),
      });
      over("done");
      return result;
    } catch (error) {
      over("failed");
      throw error;
    }
  }

  /** Passes on an event of an operation that is a part of this one. */
  readonly pass = (event: StepEvent): void => this.emit(event);

  /** A note outside a step. */
  note(text: string, seat?: SeatId): void {
    const about = { step: "", title: "", ...(seat ? { seat } : {}) };
    this.emit({ at: new Date().toISOString(), ...about, state: "note", text });
  }
}

/**
 * Runs an operation and yields its reports as events; returns its result. The operation runs even if nobody takes the
 * events.
 *
 * @throws what the operation throws, after the last event.
 */
export async function* reporting<T>(operation: (steps: Steps) => Promise<T>): AsyncGenerator<StepEvent, T> {
  const queue: StepEvent[] = [];
  let wake = (): void => {};
  let over = false;
  const running = operation(
    new Steps((event) => {
      queue.push(event);
      wake();
    }),
  ).finally(() => {
    over = true;
    wake();
  });
  running.catch(() => {}); // It is awaited below.
  for (;;) {
    for (let event = queue.shift(); event; event = queue.shift()) yield event;
    if (over) return await running;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

/** Takes the events of an operation, and returns its result. */
export async function settled<T>(
  events: AsyncGenerator<StepEvent, T>,
  onEvent: (event: StepEvent) => void = () => {},
): Promise<T> {
  for (;;) {
    const next = await events.next();
    if (next.done) return next.value;
    onEvent(next.value);
  }
}
