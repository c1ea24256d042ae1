import type { EC2Client } from "@aws-sdk/client-ec2";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { UserError } from "../../../base/errors.js";
import { remove, soon, until } from "../../../drivers/ec2/wait.js";
import { finish } from "../../../plugins/aws/finish.js";
import { HalfMade } from "../../../plugins/harness/resource.js";

const never = new AbortController().signal;
const refused = (name: string): Error => Object.assign(new Error("because"), { name, $metadata: {} });
const client = (answer: object): EC2Client => ({ send: async () => answer }) as unknown as EC2Client;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

test("until: at once when it is there; an error at once; a bound; a cancel", async () => {
  expect(await until("x", 1, never, async () => "there")).toBe("there");
  const look = vi.fn(async () => {
    throw refused("AuthFailure");
  });
  await expect(until("x", 60, never, look)).rejects.toThrow("because");
  expect(look).toHaveBeenCalledTimes(1);
  const late = async () => {
    vi.setSystemTime(Date.now() + 10_000);
    return undefined;
  };
  await expect(until("x", 5, never, late)).rejects.toMatchObject({
    message: "x",
    why: "it took more than 5 s",
  });
  const cancel = new AbortController();
  const waiting = until("x", 60, cancel.signal, async () => undefined);
  cancel.abort(new UserError("cancelled"));
  await expect(waiting).rejects.toThrow("cancelled");
});

test("soon: 'no such thing' is 'not yet', anything else is an error", async () => {
  let tries = 0;
  const call = async () => {
    tries += 1;
    if (tries < 3) throw refused("InvalidVpcID.NotFound");
    return tries;
  };
  expect(await soon("x", never, call)).toBe(3);
  await expect(soon("x", never, () => Promise.reject(refused("AuthFailure")))).rejects.toThrow("credentials");
});

test("remove: gone is success; what uses it is waited for, then named", async () => {
  const users = { name: "group-id", id: "sg-1" };
  await remove(client({}), never, {
    what: "x",
    call: () => Promise.reject(refused("InvalidGroup.NotFound")),
  });
  const held = async () => {
    vi.setSystemTime(Date.now() + 10_000);
    throw refused("DependencyViolation");
  };
  const NetworkInterfaces = [
    { NetworkInterfaceId: "eni-1", Attachment: { InstanceId: "i-1" } },
    { NetworkInterfaceId: "eni-2", Description: "ELB app" },
  ];
  await expect(
    remove(client({ NetworkInterfaces }), never, { what: "x", call: held, users }, 5),
  ).rejects.toMatchObject({
    message: "x: something still uses it",
    why: "network interfaces: eni-1 (of i-1), eni-2 (ELB app)",
  });
  await expect(
    remove(client({}), never, { what: "x", call: () => Promise.reject(refused("UnauthorizedOperation")) }),
  ).rejects.toThrow("permission");
});

test("finish: what can't be finished is undone; what can't be undone is kept track of", async () => {
  const made = { id: "i-1", outs: { ami: "ami-1" } };
  const undo = vi.fn(async () => {});
  const fail = () => Promise.reject(refused("AuthFailure"));
  await expect(finish(made, undo, fail)).rejects.toThrow("because");
  expect(undo).toHaveBeenCalledTimes(1);
  const kept = await finish(made, fail, fail).catch((error: unknown) => error);
  expect(kept).toBeInstanceOf(HalfMade);
  expect((kept as HalfMade).made).toBe(made);
});
