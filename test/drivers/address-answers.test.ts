import { type AddressInfo, createServer } from "node:net";
import { expect, it } from "vitest";
import { addressAnswers } from "../../drivers/address-answers.js";

it("is answered by a port that accepts, and by one that refuses, but not by an address that is no machine's", async () => {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  expect(await addressAnswers("127.0.0.1", port)).toBe(true);
  await new Promise((closed) => server.close(closed));
  expect(await addressAnswers("127.0.0.1", port)).toBe(true);
  expect(await addressAnswers("127.255.255.255", port)).toBe(false);
});
