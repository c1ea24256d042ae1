import type Docker from "dockerode";
import { expect, it } from "vitest";
import { service } from "../../../plugins/docker/service.js";
import { serviceSchema } from "../../../plugins/docker/service-schema.js";
import { inputsOf, serviceSpec } from "../../../plugins/docker/service-spec.js";
import { check } from "../../../plugins/harness/check.js";
import { diff } from "../../../plugins/harness/diff.js";
import { type PropertyMap, UNKNOWN } from "../../../plugins/harness/values.js";

const plugin = { name: "docker", version: "5.2.0" };
const problems = (inputs: PropertyMap) =>
  check(service, plugin, "urn:pulumi:d::p::docker:index/service:Service::s", {}, inputs).failures;

/** As the component gives them, and more. */
const task = {
  containerSpec: {
    image: "sha256:abc",
    hostname: "box",
    init: false,
    args: ["/bin/run", "1"],
    env: { A: "1=2" },
    capAdds: ["CAP_CHOWN"],
    capDrops: ["ALL"],
    mounts: [
      {
        type: "volume",
        source: "home",
        target: "/home/lab",
        volumeOptions: { labels: [{ label: "trilab.seat", value: "s" }] },
      },
    ],
    stopGracePeriod: "1s",
  },
  resources: { limits: { memoryBytes: 512 * 2 ** 20, nanoCpus: 1e9 } },
  restartPolicy: { condition: "on-failure", delay: "1s", maxAttempts: 0, window: "0s" },
  placement: { constraints: ["node.hostname!=lab9"] },
  networksAdvanceds: [{ name: "net" }],
  logDriver: { name: "json-file", options: { "max-file": "1" } },
};
const asked: PropertyMap = {
  name: "box",
  labels: [
    { label: "trilab.seat", value: "s" },
    { label: "trilab.lab", value: "l" },
  ],
  mode: { replicated: { replicas: 1 } },
  endpointSpec: { mode: "dnsrr" },
  taskSpec: task,
};

/** The same service as a Docker daemon (20.10) reports it: with its own defaults, and without what is zero. */
const reported = (): Docker.ServiceSpec => {
  const spec = serviceSpec(serviceSchema.parse(asked));
  const template = spec.TaskTemplate as Docker.ContainerTaskSpec;
  return {
    ...spec,
    TaskTemplate: {
      ...template,
      ContainerSpec: { ...template.ContainerSpec, Isolation: "default", Ulimits: [{ Name: "fsize" }] },
      RestartPolicy: { Condition: "on-failure", Delay: 1e9 },
      Runtime: "container",
    },
  } as Docker.ServiceSpec;
};

it("accepts what the component gives, and refuses what the stand-in does not support", () => {
  expect(problems(asked)).toEqual([]);
  for (const key of ["auth", "convergeConfig", "rollbackConfig", "updateConfig"])
    expect(problems({ ...asked, [key]: UNKNOWN }).map(({ property }) => property)).toEqual([key]);
  const secret = { ...asked, taskSpec: { ...task, containerSpec: { ...task.containerSpec, secrets: [] } } };
  expect(problems(secret).map(({ property }) => property)).toEqual(["taskSpec.containerSpec.secrets"]);
});

it("writes the daemon's form, in which durations are nanoseconds", () => {
  expect(serviceSpec(serviceSchema.parse(asked))).toEqual({
    Name: "box",
    Labels: { "trilab.seat": "s", "trilab.lab": "l" },
    Mode: { Replicated: { Replicas: 1 } },
    EndpointSpec: { Mode: "dnsrr" },
    TaskTemplate: {
      ContainerSpec: {
        Image: "sha256:abc",
        Hostname: "box",
        Init: false,
        Args: ["/bin/run", "1"],
        Env: ["A=1=2"],
        CapabilityAdd: ["CAP_CHOWN"],
        CapabilityDrop: ["ALL"],
        Mounts: [
          {
            Type: "volume",
            Source: "home",
            Target: "/home/lab",
            ReadOnly: false,
            VolumeOptions: { Labels: { "trilab.seat": "s" }, NoCopy: false },
          },
        ],
        StopGracePeriod: 1e9,
      },
      Resources: { Limits: { MemoryBytes: 512 * 2 ** 20, NanoCPUs: 1e9 } },
      RestartPolicy: { Condition: "on-failure", Delay: 1e9, MaxAttempts: 0, Window: 0 },
      Placement: { Constraints: ["node.hostname!=lab9"] },
      Networks: [{ Target: "net" }],
      LogDriver: { Name: "json-file", Options: { "max-file": "1" } },
      ForceUpdate: 0,
    },
  });
});

it("sees no difference between its inputs and what a daemon reports of them", () => {
  const live = inputsOf(reported()) as PropertyMap;
  expect([...diff(service, live, asked, asked)]).toEqual([]);
});

it("changes in place what is not the name, and sees each change", () => {
  const live = inputsOf(reported()) as PropertyMap;
  const changed = (news: PropertyMap) =>
    [...diff(service, live, asked, { ...asked, ...news })].map(
      ([key, { replace }]) => `${key}:${replace ? "replace" : "update"}`,
    );
  const container = (change: object): PropertyMap => ({
    taskSpec: { ...task, containerSpec: { ...task.containerSpec, ...change } },
  });
  expect(changed({ name: "other" })).toEqual(["name:replace"]);
  expect(changed({ mode: { replicated: { replicas: 0 } } })).toEqual(["mode:update"]);
  expect(changed({ endpointSpec: { mode: "vip" } })).toEqual(["endpointSpec:update"]);
  for (const change of [
    { image: "sha256:other" },
    { args: ["1", "/bin/run"] },
    { capAdds: ["CAP_KILL"] },
    { stopGracePeriod: "2s" },
    { readOnly: true },
    { mounts: [] },
  ])
    expect(changed(container(change)), JSON.stringify(change)).toEqual(["taskSpec:update"]);
  // The same in other words.
  for (const change of [{ stopGracePeriod: "1000ms" }, { capAdds: ["chown"] }, { readOnly: false }])
    expect(changed(container(change)), JSON.stringify(change)).toEqual([]);
});

it("shows what somebody else has changed, and keeps the rest as it was written", async () => {
  const spec = { ...reported(), Mode: { Replicated: { Replicas: 3 } } };
  const client = { getService: () => ({ inspect: async () => ({ ID: "s1", Spec: spec }) }) };
  const ctx = {
    urn: "u",
    client: async () => client as unknown as Docker,
    signal: new AbortController().signal,
  };
  const read = await service.read("s1", { inputs: asked, state: {} }, ctx);
  expect(read?.outs).toMatchObject({ taskSpec: task, mode: { replicated: { replicas: 3 } } });
  expect(read?.inputs).toEqual({ ...asked, mode: { replicated: { replicas: 3 } } });
  expect([...diff(service, read?.outs ?? {}, read?.inputs ?? {}, asked).keys()]).toEqual(["mode"]);
  // An import takes what is there.
  const imported = await service.read("s1", { inputs: {}, state: {} }, ctx);
  expect(problems(imported?.inputs ?? {})).toEqual([]);
});
