import type Docker from "dockerode";
import { describe, expect, test } from "vitest";
import { container } from "../../../plugins/docker/container.js";
import { stateOf } from "../../../plugins/docker/container-state.js";
import { network } from "../../../plugins/docker/network.js";
import { diff } from "../../../plugins/harness/diff.js";
import { noSecrets, openSecrets, type PropertyMap } from "../../../plugins/harness/values.js";

/*
 * A seat may change hands between the official Docker plugin (5.2.0) and the stand-in, either way: that must change
 * nothing. What each state must have was found with the official plugin itself.
 */
const labels = [
  { label: "trilab.lab", value: "l" },
  { label: "trilab.seat", value: "s" },
];
/** As a component gives them. */
const asked: PropertyMap = {
  name: "box",
  hostname: "box",
  image: "trilab/machine:1",
  init: true,
  command: ["/bin/run", "1"],
  restart: "on-failure",
  mustRun: true,
  memory: 512,
  memorySwap: 512,
  cpus: "1.0",
  shmSize: 64,
  privileged: false,
  capabilities: { adds: ["CAP_CHOWN"], drops: ["ALL"] },
  securityOpts: ["no-new-privileges"],
  ipcMode: "private",
  networksAdvanced: [{ name: "net", ipv4Address: "10.213.0.2" }],
  volumes: [{ volumeName: "home", containerPath: "/home/lab" }],
  logDriver: "json-file",
  logOpts: { "max-size": "10m", "max-file": "1" },
  networkMode: "bridge",
  destroyGraceSeconds: 1,
  labels,
};

const info = {
  Id: "c",
  Name: "/box",
  Config: { Image: "trilab/machine:1", Hostname: "box", OpenStdin: false, Tty: false },
  HostConfig: {
    Memory: 512 * 2 ** 20,
    MemorySwap: 512 * 2 ** 20,
    NanoCpus: 1e9,
    CgroupnsMode: "host",
    RestartPolicy: { Name: "on-failure", MaximumRetryCount: 0 },
  },
  NetworkSettings: { Networks: {} },
  State: { Running: true, ExitCode: 0 },
} as unknown as Docker.ContainerInspectInfo;

/** As the official plugin leaves inputs and outputs in the state. */
const bookkept = (item: PropertyMap): PropertyMap => ({ __defaults: [], ...item });
const officialInputs: PropertyMap = {
  ...asked,
  __defaults: [],
  capabilities: bookkept({ adds: ["CAP_CHOWN"], drops: ["ALL"] }),
  networksAdvanced: [bookkept({ name: "net", ipv4Address: "10.213.0.2" })],
  volumes: [bookkept({ volumeName: "home", containerPath: "/home/lab" })],
  labels: labels.map(bookkept),
};
const officialOutputs: PropertyMap = {
  ...asked,
  __meta: '{"schema_version":"2"}',
  attach: false,
  cgroupnsMode: null,
  cpuSet: "",
  cpuShares: 0,
  entrypoints: [],
  envs: [],
  ports: null,
  networksAdvanced: [
    { name: "net", ipv4Address: "10.213.0.2", ipv6Address: "", aliases: [], linkLocalIps: null },
  ],
  volumes: [
    { volumeName: "home", containerPath: "/home/lab", hostPath: "", fromContainer: "", readOnly: null },
  ],
  healthcheck: null,
  user: "",
  workingDir: "",
};

const opened = (bag: PropertyMap): PropertyMap => openSecrets(bag, noSecrets());

describe("a container", () => {
  test("made by the stand-in has in its state what the official plugin looks for, and nothing it replaces for", () => {
    const { outs } = stateOf(info, { inputs: asked, state: {} });
    expect(outs).toMatchObject({
      stdinOpen: false,
      tty: false,
      memoryReservation: 0,
      containerReadRefreshTimeoutMilliseconds: 15_000,
    });
    expect(outs).not.toHaveProperty("cgroupnsMode");
  });

  test("made by the official plugin is as the stand-in wants it", () => {
    const changes = diff(container, opened(officialOutputs), opened(officialInputs), asked);
    expect([...changes.keys()]).toEqual([]);
  });

  test("made by the official plugin and looked at by the stand-in, likewise", () => {
    const known = { inputs: opened(officialInputs), state: opened(officialOutputs) };
    const read = stateOf(info, known);
    expect([...diff(container, read.outs, read.inputs, asked).keys()]).toEqual([]);
  });

  test("still differs in what counts", () => {
    const other = { ...asked, volumes: [{ volumeName: "other", containerPath: "/home/lab" }] };
    const changes = diff(container, opened(officialOutputs), opened(officialInputs), other);
    expect([...changes]).toEqual([["volumes", { change: "update", replace: true }]]);
  });
});

test("a network made by the official plugin is as the stand-in wants it", () => {
  const wanted: PropertyMap = {
    name: "net",
    driver: "bridge",
    ipamConfigs: [{ subnet: "10.213.0.0/28", gateway: "10.213.0.1" }],
    labels,
  };
  const inputs = { ...wanted, labels: labels.map(bookkept) };
  const outputs: PropertyMap = {
    ...wanted,
    ipamConfigs: [{ subnet: "10.213.0.0/28", gateway: "10.213.0.1", ipRange: "", auxAddress: {} }],
    ipamOptions: null,
    ipamDriver: "default",
    options: {},
  };
  expect([...diff(network, opened(outputs), opened(inputs), wanted).keys()]).toEqual([]);
});
