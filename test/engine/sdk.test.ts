import { createRequire } from "node:module";
import type * as Grpc from "@grpc/grpc-js";
import type * as Pulumi from "@pulumi/pulumi";
import { expect, it } from "vitest";
import { loadSdk, separateConnections } from "../../engine/sdk.js";

it("the SDK loads without the TypeScript compiler and npm's package resolver", () => {
  const sdk = loadSdk<typeof Pulumi>("./index.js");
  expect(sdk.CustomResource).toBeTypeOf("function");
  const loaded = Object.keys(createRequire(import.meta.url).cache);
  expect(loaded).toContainEqual(expect.stringContaining("/@pulumi/pulumi/resource.js"));
  expect(loaded.filter((file) => /\/node_modules\/(typescript|@npmcli)\//.test(file))).toEqual([]);
});

it("an engine is reached at the port of one that ended a moment ago", async () => {
  separateConnections();
  const grpc = loadSdk<typeof Grpc>("@grpc/grpc-js");
  const { grpcClientOptions } = loadSdk<{ grpcClientOptions: object }>("./runtime/settings.js");
  const bytes = (data: Buffer): Buffer => data;
  const method = { path: "/s/m", requestStream: false, responseStream: false } as const;
  const service = {
    m: {
      ...method,
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    },
  };
  const start = async (at: string): Promise<{ server: Grpc.Server; port: number }> => {
    const server = new grpc.Server();
    server.addService(service, {
      m: (_call: unknown, answer: Grpc.sendUnaryData<Buffer>) => answer(null, Buffer.from("yes")),
    });
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync(at, grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    return { server, port };
  };
  const clients: Grpc.Client[] = [];
  const ask = (port: number): Promise<string> => {
    const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), grpcClientOptions);
    clients.push(client);
    return new Promise((resolve, reject) =>
      client.makeUnaryRequest("/s/m", bytes, bytes, Buffer.from(""), (error, answer) =>
        error ? reject(error) : resolve(String(answer)),
      ),
    );
  };
  const { port, server } = await start("127.0.0.1:0");
  server.forceShutdown();
  await expect(ask(port)).rejects.toThrow("UNAVAILABLE");
  const again = await start(`127.0.0.1:${port}`);
  expect(await ask(port)).toBe("yes");
  for (const client of clients) client.close();
  again.server.forceShutdown();
});
