import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { vi } from "vitest";
import { address, machine, volume } from "./price-fixture.js";

const NOT_IT: Answer = { status: 404, type: "UnknownOperationException", body: {} };

/** What GetProducts is asked. */
export interface Question {
  ServiceCode: string;
  Filters: { Type: string; Field: string; Value: string }[];
  NextToken?: string;
}
/** What it says; `type` is that of an error. */
export type Answer = { status?: number; body: object; type?: string };

export interface PriceServer {
  port: number;
  asked: Question[];
  /** What it answers from now on; {@link priceList} until then. */
  answer: (question: Question) => Answer;
  close(): Promise<void>;
}

/** A Price List API on the loopback, which the SDK is pointed at with credentials for it. Undo with `vi.unstubAllEnvs`. */
export async function startPriceServer(dir: string): Promise<PriceServer> {
  const server = createServer(respond).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const api: PriceServer = {
    port,
    asked: [],
    answer: priceList,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  vi.stubEnv("AWS_ENDPOINT_URL_PRICING", `http://127.0.0.1:${port}`);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  vi.stubEnv("AWS_MAX_ATTEMPTS", "2");
  // Nothing of this machine's own: no profile, and no metadata service is looked for.
  vi.stubEnv("AWS_PROFILE", undefined);
  vi.stubEnv("AWS_CONFIG_FILE", join(dir, "none"));
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", join(dir, "none"));
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  return api;

  function respond(request: IncomingMessage, response: ServerResponse): void {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      const wanted = request.headers["x-amz-target"] === "AWSPriceListService.GetProducts";
      const question = JSON.parse(body) as Question;
      api.asked.push(question);
      const { status = 200, body: said, type } = wanted ? api.answer(question) : NOT_IT;
      const kind = type === undefined ? {} : { "x-amzn-errortype": type };
      response.writeHead(status, { "content-type": "application/x-amz-json-1.1", ...kind });
      response.end(JSON.stringify(said));
    });
  }
}

/** Two pages of machines, a volume, an address. */
export function priceList({ ServiceCode, Filters, NextToken }: Question): Answer {
  const page = (PriceList: string[], next?: string): Answer => ({
    body: { FormatVersion: "aws_v1", PriceList, ...(next === undefined ? {} : { NextToken: next }) },
  });
  if (ServiceCode === "AmazonVPC") return page([address("0.0050000000")]);
  if (Filters.some((f) => f.Field === "volumeApiName")) return page([volume("0.0952000000")]);
  return NextToken === undefined
    ? page([machine("t3.micro", "0.0130000000")], "more")
    : page([machine("t3.small", "0.0260000000")]);
}
