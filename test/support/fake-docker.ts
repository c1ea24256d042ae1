import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { DockerEndpoint } from "../../model/endpoint.js";

/** Answers to a request of Docker's API, by its method and its path without the query. */
type Answer = (method: string, path: string, response: ServerResponse<IncomingMessage>) => void;

/** A Docker daemon at a socket, for unit tests: it has no containers, and answers as it is told. */
export class FakeDocker {
  readonly endpoint: DockerEndpoint;
  private readonly server: Server;

  constructor(
    private readonly socket: string,
    answer: Answer,
  ) {
    this.endpoint = { kind: "docker", host: `unix://${socket}` };
    this.server = createServer(({ method = "GET", url = "" }, response) =>
      answer(method, url.split("?")[0] ?? "", response),
    );
  }

  listen(): Promise<void> {
    return new Promise((listening) => this.server.listen(this.socket, listening));
  }

  close(): Promise<unknown> {
    this.server.closeAllConnections();
    return new Promise((closed) => this.server.close(closed));
  }
}
