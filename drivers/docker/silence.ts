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
 * is not known. So a request goes on as long as the daemon answers a ping beside it. A response that has begun is not watched.
 *
 * @param beside Another client of that daemon, whose connections no request of the first one can hold.
 * @param error What a request is rejected with.
 */
export function endWhenSilent(
  client: Docker,
  beside: Docker,
  error: () => Error,
  { askAfter, answerWithin }: Patience = PATIENCE,
): void {
  const { modem } = client;
  const dial = modem.dial.bind(modem);
  modem.dial = (request: Request, reply?: Reply): void => {
    const silence = new AbortController();
    let timer: NodeJS.Timeout;
    let isOver = false;
    const watch = (): void => {
      timer = setTimeout(async () => {
        const answers = await pings(beside, answerWithin);
        if (isOver) return;
        if (answers) watch();
        else silence.abort();
      }, askAfter);
    };
    watch();
    const signals = [silence.signal, ...(request.abortSignal ? [request.abortSignal] : [])];
    dial({ ...request, abortSignal: AbortSignal.any(signals) }, (refusal, answer) => {
      isOver = true;
      clearTimeout(timer);
      reply?.(silence.signal.aborted ? error() : refusal, answer);
    });
  };
}

/** Whether a daemon answers a ping within so many milliseconds. */
const pings = (client: Docker, limitMs: number): Promise<boolean> =>
  new Promise((resolve) => {
    const request = { path: "/_ping", method: "GET", statusCodes: { 200: true } };
    client.modem.dial({ ...request, abortSignal: AbortSignal.timeout(limitMs) }, (error) => resolve(!error));
  });
