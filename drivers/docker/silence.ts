import { IncomingMessage } from "node:http";
import { finished, type Readable } from "node:stream";
import type Docker from "dockerode";

/** In milliseconds. */
export interface Patience {
  /** How long a request waits until the daemon is asked whether it still answers, and again after each answer. */
  askAfter: number;
  /** How long that answer may take. */
  answerWithin: number;
}

/** A busy host answers a ping within seconds; some requests, such as a commit, take minutes. */
const PATIENCE: Patience = { askAfter: 20_000, answerWithin: 20_000 };

type Modem = Docker["modem"];
type Request = Parameters<Modem["dial"]>[0];
type Reply = NonNullable<Parameters<Modem["dial"]>[1]>;

/**
 * Ends requests of a client to a daemon that has fallen silent. A request has no time limit of its own: how long a daemon needs for it
 * is not known. So a request goes on as long as the daemon answers a ping beside it, and a response that comes in pieces as long as
 * one arrives or a ping is answered. The streams of a command in a container are not watched.
 *
 * @param beside Another client of that daemon, whose connections no request of the first one can hold.
 * @param error What a request is rejected with, and what such a response ends with.
 */
export function endWhenSilent(
  client: Docker,
  beside: Docker,
  error: () => Error,
  patience: Patience = PATIENCE,
): void {
  const { modem } = client;
  const dial = modem.dial.bind(modem);
  modem.dial = (request: Request, reply?: Reply): void => {
    const silence = new AbortController();
    const watch = new Watch(beside, patience, () => silence.abort());
    const signals = [silence.signal, ...(request.abortSignal ? [request.abortSignal] : [])];
    dial({ ...request, abortSignal: AbortSignal.any(signals) }, (refusal, answer) => {
      watch.end();
      if (answer instanceof IncomingMessage) watchResponse(answer, beside, error, patience);
      reply?.(silence.signal.aborted ? error() : refusal, answer);
    });
  };
}

/** Ends a response that is being received with this error when the daemon falls silent. */
function watchResponse(response: Readable, beside: Docker, error: () => Error, patience: Patience): void {
  const watch = new Watch(beside, patience, () => response.destroy(error()));
  finished(response, () => watch.end());
  // A listener for its data would take what arrives before its reader is there.
  const push = response.push.bind(response);
  response.push = (...piece) => {
    watch.sawLife();
    return push(...piece);
  };
}

/** Waits for a daemon until it is told to end, or until the daemon is silent. */
class Watch {
  readonly #timer: NodeJS.Timeout;
  #isOver = false;
  /** How often it saw that the daemon is alive. */
  #lives = 0;

  constructor(beside: Docker, { askAfter, answerWithin }: Patience, onSilence: () => void) {
    this.#timer = setTimeout(async () => {
      const before = this.#lives;
      const answers = await pings(beside, answerWithin);
      if (this.#isOver) return;
      if (answers || this.#lives > before) this.#timer.refresh();
      else onSilence();
    }, askAfter);
  }

  /** Something came from the daemon. */
  sawLife(): void {
    this.#lives += 1;
    if (!this.#isOver) this.#timer.refresh();
  }

  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }
}

/** Whether a daemon answers a ping within so many milliseconds. */
const pings = (client: Docker, limitMs: number): Promise<boolean> =>
  new Promise((resolve) => {
    const request = { path: "/_ping", method: "GET", statusCodes: { 200: true } };
    client.modem.dial({ ...request, abortSignal: AbortSignal.timeout(limitMs) }, (error) => resolve(!error));
  });
