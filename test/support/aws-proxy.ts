import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** An error AWS shall answer one of its actions with. */
export interface Fault {
  /** `RunInstances`; `*` is any. */
  action: string;
  code: string;
  message?: string;
  /** HTTP status. Default 400. */
  status?: number;
  /** How often; then the call goes through. Default: always. */
  times?: number;
}

/** A proxy before moto that can play the errors moto has not. */
export interface AwsProxy {
  endpoint: string;
  /** The actions asked for since the start or the last `reset`, in their order; those that failed too. */
  calls: string[];
  /** Called before each action goes through. */
  onCall: ((action: string) => void | Promise<void>) | undefined;
  /** What becomes of each answer's text. */
  rewrite: ((text: string) => string) | undefined;
  /** The account whose credentials the calls seem to carry; `undefined`: moto's own. */
  account: string | undefined;
  /** Seconds that its clock shall be ahead. */
  clockAhead: number;
  /** Whether it refuses what comes faster than AWS allows, and what it has refused for that. */
  limitsRates: boolean;
  tooFast: string[];
  fail(fault: Fault): void;
  /** No more faults, no calls, nothing else played. */
  reset(): void;
  stop(): Promise<void>;
}

/** @param target Where calls go through to: moto's endpoint. */
export async function startAwsProxy(target: string): Promise<AwsProxy> {
  let faults: (Fault & { left: number })[] = [];
  const rates = new Rates();
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch((error: unknown) => outgoing.destroy(error as Error));
  });

  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    // EC2 has it in the form, Service Quotas in a header.
    const inHeader = /\.(\w+)$/.exec(String(incoming.headers["x-amz-target"] ?? ""))?.[1];
    const action = inHeader ?? new URLSearchParams(body.toString("utf8")).get("Action") ?? "";
    proxy.calls.push(action);
    const fault = faults.find((item) => item.left > 0 && (item.action === action || item.action === "*"));
    if (fault) {
      fault.left -= 1;
      const type = inHeader ? "application/x-amz-json-1.1" : "text/xml";
      const said = inHeader ? JSON.stringify({ __type: fault.code, message: "played" }) : errorXml(fault);
      outgoing.writeHead(fault.status ?? 400, { "content-type": type }).end(said);
      return;
    }
    if (proxy.limitsRates && inHeader === undefined && !rates.allows(action)) {
      proxy.tooFast.push(action);
      const refusal = { action, code: "RequestLimitExceeded" };
      outgoing.writeHead(503, { "content-type": "text/xml" }).end(errorXml(refusal));
      return;
    }
    await proxy.onCall?.(action);
    const { method, url } = incoming;
    const headers = {
      ...incoming.headers,
      ...(proxy.account === undefined ? {} : { "x-moto-account-id": proxy.account }),
    };
    const onward = httpRequest(new URL(url ?? "/", target), { method, headers }, (reply) => {
      const date = new Date(Date.now() + proxy.clockAhead * 1000).toUTCString();
      const { rewrite } = proxy;
      if (rewrite === undefined) {
        outgoing.writeHead(reply.statusCode ?? 502, { ...reply.headers, date });
        reply.pipe(outgoing);
        return;
      }
      text(reply).then(
        (said) => {
          const { "content-length": _length, ...headers } = reply.headers;
          outgoing.writeHead(reply.statusCode ?? 502, { ...headers, date }).end(rewrite(said));
        },
        (error: Error) => outgoing.destroy(error),
      );
    });
    onward.once("error", (error) => outgoing.destroy(error));
    onward.end(body);
  }

  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const proxy: AwsProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: [],
    onCall: undefined,
    rewrite: undefined,
    account: undefined,
    clockAhead: 0,
    limitsRates: false,
    tooFast: [],
    fail: (fault) => {
      faults.push({ ...fault, left: fault.times ?? Number.POSITIVE_INFINITY });
    },
    reset: () => {
      faults = [];
      proxy.calls = [];
      proxy.onCall = undefined;
      proxy.rewrite = undefined;
      proxy.account = undefined;
      proxy.clockAhead = 0;
      proxy.limitsRates = false;
      proxy.tooFast = [];
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return proxy;
}

/**
 * AWS's limits of requests: a bucket of tokens for each action, with as many to begin with, and as many more each second. But of
 * RunInstances only three to begin with, not five, so that a few seats show what many would do.
 */
class Rates {
  private readonly buckets = new Map<string, { tokens: number; at: number }>();

  /** Takes a token. @returns whether there was one. */
  allows(action: string): boolean {
    const [size, refill] = action.startsWith("Describe")
      ? [100, 20]
      : action === "RunInstances"
        ? [3, 2]
        : [50, 5];
    const { at, tokens } = this.buckets.get(action) ?? { tokens: size, at: Date.now() };
    const now = Math.min(size, tokens + ((Date.now() - at) / 1000) * refill);
    this.buckets.set(action, { tokens: now >= 1 ? now - 1 : now, at: Date.now() });
    return now >= 1;
  }
}

const errorXml = ({ code, message = `played: ${code}` }: Fault): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>00000000-0000-0000-0000-000000000000</RequestID></Response>`;
