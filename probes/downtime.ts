import { setTimeout as sleep } from "node:timers/promises";
import { pollUntil } from "../base/poll.js";
import { isOnThisHost } from "../drivers/machine.js";
import { PROBE_NEEDS } from "../labs/probe-needs.js";
import { type Probe, ProbeProblem, type Reading, type Run, type Subject } from "./probe.js";
import { runIn } from "./run-in.js";

const PORT = 7080;
/** The server's process id. Also in a folder that a restart empties, so it is only read to end the server. */
const PID_FILE = "/tmp/.trilab-web";

/** Milliseconds between two requests: 20 per second. */
const EVERY = 50;
/** Milliseconds until a request counts as not answered. */
const ANSWER_LIMIT = 1_000;
/** Milliseconds in which a machine must answer after its restart. */
const RESTART_LIMIT = 180_000;

const SERVER = `use IO::Socket::INET;
my $server = IO::Socket::INET->new(LocalPort => ${PORT}, Listen => 64, ReuseAddr => 1) or exit 1;
while (1) { my $client = $server->accept or next; sysread $client, my $request, 4096;
print $client "HTTP/1.0 200 OK\\r\\nContent-Length: 3\\r\\n\\r\\nok\\n"; close $client }`;

/** Starts the server, which ends by itself after five minutes. */
const SERVE = `setsid timeout 300 perl -e '${SERVER}' >/dev/null 2>&1 </dev/null & echo $! >${PID_FILE}`;

export const downtime: Probe = {
  id: "downtime",
  title: "Downtime of a web server over a restart",
  teaches:
    "A restart stops a service until the machine has stopped, started, and started the service again. For a guest, this includes shutting down and booting an operating system. The server runs again with the first command that the machine accepts.",
  kind: "life-cycle",
  needs: PROBE_NEEDS.downtime,
  metrics: [
    {
      id: "gap",
      title: "without an answer, asked 20 times a second",
      unit: "s",
      better: "lower",
      bound: "time",
    },
  ],
  published: [],
  runs: { full: 4, quick: 1, warmups: 0 },
  slow: true,
  timeLimit: 300,
  measure,
};

async function measure(subject: Subject, { signal }: Run): Promise<Reading> {
  const { address, machine } = subject;
  if (address === undefined || !isOnThisHost(machine))
    throw new ProbeProblem("skipped", "only a machine on this host is asked");
  await serve(subject, address, signal);
  const requests = new Requests(address);
  try {
    await sleep(500, undefined, { signal });
    await machine.stop();
    const restarted = performance.now();
    await machine.start();
    await subject.answer(RESTART_LIMIT, signal);
    await serve(subject, address, signal);
    const again = async (): Promise<boolean> => requests.answered.some((sent) => sent > restarted);
    if (!(await pollUntil(again, { limitMs: 60_000, everyMs: EVERY, signal })))
      throw new ProbeProblem("failed", "the web server did not answer after the restart");
  } finally {
    await requests.end();
  }
  await runIn(subject, ["sh", "-c", `kill $(cat ${PID_FILE}); rm -f ${PID_FILE}`], 60);
  await subject.settle(signal);
  return { values: { gap: longestGap(requests.answered) / 1000 }, output: "" };
}

/** Starts the web server and waits until it answers. */
async function serve(subject: Subject, address: string, signal: AbortSignal): Promise<void> {
  await runIn(subject, ["sh", "-c", SERVE], 60);
  if (!(await pollUntil(() => ask(address), { limitMs: 60_000, everyMs: EVERY, signal })))
    throw new ProbeProblem("failed", `the web server does not answer at ${address}`);
}

/** Asks a web server 20 times a second, until it is ended. */
class Requests {
  /** When each answered request was sent, in milliseconds, in the order of the answers. */
  readonly answered: number[] = [];
  private readonly pending = new Set<Promise<void>>();
  private readonly timer: NodeJS.Timeout;

  constructor(address: string) {
    this.timer = setInterval(() => {
      const sent = performance.now();
      const request = ask(address).then((answers) => {
        if (answers) this.answered.push(sent);
        this.pending.delete(request);
      });
      this.pending.add(request);
    }, EVERY);
  }

  async end(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.pending);
  }
}

const ask = (address: string): Promise<boolean> =>
  fetch(`http://${address}:${PORT}/`, {
    signal: AbortSignal.timeout(ANSWER_LIMIT),
    headers: { connection: "close" },
  })
    .then(async (response) => (await response.text()) === "ok\n")
    .catch(() => false);

/** The longest time between two neighbouring times. 0 for fewer than two. Pure. */
export function longestGap(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return Math.max(0, ...sorted.slice(1).map((time, i) => time - (sorted[i] ?? time)));
}
