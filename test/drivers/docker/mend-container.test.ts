import type Docker from "dockerode";
import { describe, expect, it } from "vitest";
import {
  mendContainer,
  startContainer,
  startOrLeaveNetwork,
} from "../../../drivers/docker/mend-container.js";

const MiB = 2 ** 20;
const network = { name: "net", address: "10.213.0.2" };
const spec = { cpus: 2, memory: 512 * MiB, network };
const held = {
  PidsLimit: 256,
  Memory: 512 * MiB,
  MemorySwap: 512 * MiB,
  NanoCpus: 2e9,
  CpuShares: 0,
  CpusetCpus: "",
  RestartPolicy: { Name: "on-failure", MaximumRetryCount: 0 },
};
const onNetwork = { net: { IPAMConfig: { IPv4Address: "10.213.0.2" } } };
const answer = (statusCode: number, message: string): Error =>
  Object.assign(new Error(message), { statusCode });

/** A daemon with one container; notes how it is changed. */
function daemon(
  host: object = {},
  {
    state = { Running: true } as object,
    after = { Running: true } as object,
    networks = onNetwork as object,
    logs = "",
    starts = undefined as Error | undefined,
  } = {},
) {
  const calls: unknown[][] = [];
  const header = Buffer.from([1, 0, 0, 0, 0, 0, 0, logs.length]);
  let now = state;
  const container = {
    inspect: async () => ({
      Id: "c0ffee",
      Name: "/box",
      HostConfig: { ...held, ...host },
      State: now,
      NetworkSettings: { Networks: networks },
    }),
    update: async (change: unknown) => void calls.push(["update", change]),
    unpause: async () => void calls.push(["unpause"]),
    start: async () => {
      calls.push(["start"]);
      now = after;
      if (starts) throw starts;
    },
    logs: async () => Buffer.concat([header, Buffer.from(logs)]),
  };
  const getNetwork = (name: string) => ({
    connect: async (options: unknown) => void calls.push(["connect", name, options]),
    disconnect: async (options: unknown) => void calls.push(["disconnect", name, options]),
  });
  const client = { getContainer: () => container, getNetwork, info: async () => ({ NCPU: 4 }) };
  return { calls, client: client as unknown as Docker };
}

describe("a container", () => {
  it("that is as it should be is left alone", async () => {
    const { calls, client } = daemon();
    expect(await mendContainer("box", spec, client)).toEqual([]);
    expect(calls).toEqual([]);
  });

  it.each<[object, object, string[]]>([
    // No plugin can set it, so a new container has none: nobody changed it.
    [{ PidsLimit: null }, { PidsLimit: 256 }, []],
    [{ PidsLimit: 0 }, { PidsLimit: 256 }, ["PID limit set from 0 to 256"]],
    [{ NanoCpus: 1e9 }, { NanoCpus: 2e9 }, ["CPUs set from 1 to 2"]],
    [
      { Memory: 64 * MiB },
      { Memory: 512 * MiB, MemorySwap: 512 * MiB },
      ["memory set from 64MiB, with swap 512MiB, to 512MiB"],
    ],
    [
      { MemorySwap: -1 },
      { Memory: 512 * MiB, MemorySwap: 512 * MiB },
      ["memory set from 512MiB, with swap no limit, to 512MiB"],
    ],
    [{ CpuShares: 2 }, { CpuShares: 1024 }, ["CPU shares set from 2 to 1024"]],
    [{ CpusetCpus: "1" }, { CpusetCpus: "0-3" }, ["CPUs it may run on set from 1 to 0-3"]],
    [
      { RestartPolicy: { Name: "no", MaximumRetryCount: 0 } },
      { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 0 } },
      ["restart policy set from no to on-failure"],
    ],
  ])("gets back what was changed by hand: %j", async (other, change, said) => {
    const { calls, client } = daemon(other);
    expect(await mendContainer("box", spec, client)).toEqual(said);
    expect(calls).toEqual([["update", change]]);
  });

  it.each([{ CpuShares: 1024 }, { CpusetCpus: "0-3" }])("has what can't be unset: %j", async (other) => {
    const { calls, client } = daemon(other);
    expect(await mendContainer("box", spec, client)).toEqual([]);
    expect(calls).toEqual([]);
  });

  it("has no limit of swap where the daemon keeps none", async () => {
    const { calls, client } = daemon({ MemorySwap: -1 });
    await mendContainer("box", { ...spec, swapLimit: false }, client);
    expect(calls).toEqual([]);
  });

  it("off its network, or at another address, is put back", async () => {
    const connect = [
      "connect",
      "net",
      { Container: "c0ffee", EndpointConfig: { IPAMConfig: { IPv4Address: "10.213.0.2" } } },
    ];
    const off = daemon({}, { networks: {} });
    expect(await mendContainer("box", spec, off.client)).toEqual(["put back on its network"]);
    expect(off.calls).toEqual([connect]);
    const elsewhere = daemon({}, { networks: { net: { IPAMConfig: null } } });
    expect(await mendContainer("box", spec, elsewhere.client)).toEqual(["put back on its network"]);
    expect(elsewhere.calls).toEqual([["disconnect", "net", { Container: "c0ffee", Force: true }], connect]);
  });

  it("that is paused or stopped runs again", async () => {
    const paused = daemon({}, { state: { Running: true, Paused: true } });
    expect(await mendContainer("box", spec, paused.client)).toEqual(["resumed, as it was paused"]);
    const stopped = daemon({}, { state: { Running: false } });
    expect(await mendContainer("box", spec, stopped.client)).toEqual(["started, as it was stopped"]);
  });

  it("that does not stay up is told of with its last words", async () => {
    const ended = { Running: false, ExitCode: 7, Error: "" };
    const { client } = daemon({}, { state: ended, after: ended, logs: "out of cheese\n" });
    await expect(mendContainer("box", spec, client)).rejects.toMatchObject({
      name: "UserError",
      message: "container box does not stay up",
      why: "its program ended with exit code 7; its last output:\nout of cheese",
    });
    // Its restart policy starts it again and again.
    const looping = daemon({}, { state: { Running: true, Restarting: true, ExitCode: 1 } });
    await expect(mendContainer("box", spec, looping.client)).rejects.toThrow(/does not stay up/);
  });
});

describe("starting a container", () => {
  it("is done where its restart policy was faster; other refusals count", async () => {
    const { client } = daemon({}, { starts: answer(304, "container already started") });
    await startContainer(client.getContainer("box"));
    const refused = daemon({}, { starts: answer(500, "no") });
    await expect(startContainer(refused.client.getContainer("box"))).rejects.toThrow("no");
  });

  it("takes it off a network that is no more", async () => {
    const gone = answer(404, "network 2a09 not found");
    const { calls, client } = daemon({}, { starts: gone, networks: { box: {} } });
    await startOrLeaveNetwork("box", client);
    expect(calls).toEqual([["start"], ["disconnect", "box", { Container: "box", Force: true }]]);
    const stopped = daemon({ RestartPolicy: { Name: "no" } }, { state: { Running: false } });
    await startOrLeaveNetwork("box", stopped.client);
    expect(stopped.calls).toEqual([["update", { RestartPolicy: held.RestartPolicy }], ["start"]]);
    const other = daemon({}, { starts: answer(500, "no"), networks: { box: {} } });
    await expect(startOrLeaveNetwork("box", other.client)).rejects.toThrow("no");
  });
});
