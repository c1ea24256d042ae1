import type Docker from "dockerode";
import { afterAll, beforeAll, expect, test } from "vitest";
import { dockerClient } from "../../../drivers/docker/connect.js";
import { parts } from "../../../plugins/docker/provider.js";
import { StandIn } from "../../../plugins/harness/provider.js";
import type { PropertyMap } from "../../../plugins/harness/values.js";
import { type SecondHost, startSecondHost } from "../../support/second-host.js";
import { makeImage } from "../support.js";

/*
 * Services of a Swarm of one node, which is another host: this machine's daemon must not become a manager.
 */
const SERVICE = "urn:pulumi:dev::tlplug::docker:index/service:Service::x";
const NETWORK = "urn:pulumi:dev::tlplug::docker:index/network:Network::x";

let there: SecondHost;
let client: Docker;
let image: string;
let plugin: StandIn<Docker>;

beforeAll(async () => {
  there = await startSecondHost({ daemons: ["docker"] });
  const { certPath, dockerHost: host } = there.tls;
  client = dockerClient({ host, certPath });
  await client.swarmInit({ ListenAddr: there.address, AdvertiseAddr: there.address });
  image = await makeImage("tlplug-service:test", client);
  plugin = new StandIn({ name: "docker", version: "5.2.0" }, async () => parts);
  plugin.configure({ host, certPath });
});
afterAll(() => there?.stop());

const inputs = (network: string, more: PropertyMap = {}): PropertyMap => ({
  name: "box",
  labels: [{ label: "trilab.seat", value: "ann" }],
  mode: { replicated: { replicas: 1 } },
  endpointSpec: { mode: "dnsrr" },
  taskSpec: {
    containerSpec: {
      image,
      args: ["/bin/sleep", "600"],
      hostname: "box",
      init: false,
      capAdds: ["CAP_CHOWN"],
      capDrops: ["ALL"],
      mounts: [{ type: "volume", source: "box-home", target: "/home" }],
      stopGracePeriod: "1s",
    },
    resources: { limits: { memoryBytes: 32 * 2 ** 20, nanoCpus: 5e8 } },
    restartPolicy: { condition: "on-failure", delay: "1s", maxAttempts: 0, window: "0s" },
    networksAdvanceds: [{ name: network }],
    logDriver: { name: "json-file", options: { "max-file": "1", "max-size": "1m" } },
  },
  ...more,
});

const running = async () => (await client.listContainers()).map(({ Id }) => Id);

test("made, read without a difference, changed in place, and removed with its container; its network after it", async () => {
  const net = {
    name: "net",
    driver: "overlay",
    internal: true,
    ipamConfigs: [{ subnet: "10.213.240.0/28" }],
  };
  expect((await plugin.check(NETWORK, {}, net)).failures).toEqual([]);
  const network = await plugin.create(NETWORK, net, false);
  const asked = inputs(network.id);
  expect((await plugin.check(SERVICE, {}, asked)).failures).toEqual([]);
  const made = await plugin.create(SERVICE, asked, false);
  await expect.poll(async () => (await running()).length).toBe(1);
  const [id = ""] = await running();
  const { Config, HostConfig } = await client.getContainer(id).inspect();
  expect(Config).toMatchObject({ Hostname: "box" });
  expect(HostConfig).toMatchObject({
    Memory: 32 * 2 ** 20,
    NanoCpus: 5e8,
    CapDrop: ["ALL"],
    CapAdd: ["CAP_CHOWN"],
  });

  const known = { inputs: asked, state: made.outs };
  const read = await plugin.read(SERVICE, made.id, known);
  expect(read?.inputs).toEqual(asked);
  const after = { inputs: asked, state: read?.outs ?? {} };
  expect([...(await plugin.diff(SERVICE, after, asked, [])).changes]).toEqual([]);
  const netRead = await plugin.read(NETWORK, network.id, { inputs: net, state: network.outs });
  const netAfter = { inputs: net, state: netRead?.outs ?? {} };
  expect([...(await plugin.diff(NETWORK, netAfter, net, [])).changes.keys()]).toEqual([]);

  // The name is taken.
  await expect(plugin.create(SERVICE, asked, false)).rejects.toMatchObject({
    why: expect.stringContaining("its labels say trilab.seat=ann"),
  });

  const none = inputs(network.id, { mode: { replicated: { replicas: 0 } } });
  const { changes } = await plugin.diff(SERVICE, after, none, []);
  expect([...changes]).toEqual([["mode", { change: "update", replace: false }]]);
  expect(await plugin.update(SERVICE, made.id, after, none, false)).toMatchObject({
    mode: { replicated: { replicas: 0 } },
  });
  await expect.poll(running).toEqual([]);

  await plugin.update(SERVICE, made.id, after, asked, false);
  await expect.poll(async () => (await running()).length).toBe(1);
  await plugin.delete(SERVICE, made.id, made.outs);
  expect(await running()).toEqual([]);
  await plugin.delete(SERVICE, made.id, made.outs);
  expect(await plugin.read(SERVICE, made.id, after)).toBeUndefined();
  await plugin.delete(NETWORK, network.id, network.outs);
  expect((await client.listNetworks()).filter(({ Name }) => Name === "net")).toEqual([]);
});
