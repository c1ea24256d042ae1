import type Docker from "dockerode";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseAddress } from "../../../drivers/docker/connect.js";
import { container } from "../../../plugins/docker/container.js";
import { containerRules } from "../../../plugins/docker/container-rules.js";
import { containerSchema, nanoseconds } from "../../../plugins/docker/container-schema.js";
import { createOptions } from "../../../plugins/docker/container-spec.js";
import { stateOf } from "../../../plugins/docker/container-state.js";
import { network } from "../../../plugins/docker/network.js";
import { remoteImage } from "../../../plugins/docker/remote-image.js";
import { service } from "../../../plugins/docker/service.js";
import { volume } from "../../../plugins/docker/volume.js";
import { check } from "../../../plugins/harness/check.js";
import { diff } from "../../../plugins/harness/diff.js";
import { type PropertyMap, UNKNOWN } from "../../../plugins/harness/values.js";

const plugin = { name: "docker", version: "5.2.0" };
const problems = (inputs: PropertyMap) =>
  check(container, plugin, "urn:pulumi:d::p::docker:index/container:Container::c", {}, inputs).failures;
const base = { name: "box", image: "debian" };

const text = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const list = fc.array(text, { maxLength: 4 });
/** Inputs as a component could give them. */
const inputs = fc.record(
  {
    name: fc.constant("box"),
    image: text,
    command: list,
    envs: fc.uniqueArray(text.map((key) => `${key}=1`)),
    labels: fc.uniqueArray(fc.record({ label: text, value: text }), { selector: ({ label }) => label }),
    capabilities: fc.record({ adds: list, drops: list }, { requiredKeys: [] }),
    memory: fc.integer({ min: 6, max: 4096 }),
    cpus: fc.constantFrom("0.5", "1", "1.50"),
    networksAdvanced: fc.uniqueArray(fc.record({ name: text, aliases: list }, { requiredKeys: ["name"] }), {
      selector: ({ name }) => name,
    }),
    ports: fc.array(
      fc.record({
        internal: fc.integer({ min: 1, max: 65535 }),
        external: fc.integer({ min: 0, max: 65535 }),
      }),
      { maxLength: 3 },
    ),
    tmpfs: fc.dictionary(text, text, { noNullPrototype: true }),
    readOnly: fc.boolean(),
    restart: fc.constantFrom("no", "always"),
    destroyGraceSeconds: fc.integer({ min: 0, max: 60 }),
  },
  { requiredKeys: ["name", "image"] },
);

describe("check", () => {
  test("accepts what components give", () => {
    fc.assert(fc.property(inputs, (given) => void expect(problems(given)).toEqual([])));
  });

  test("rules across properties, each with its way out", () => {
    const bad: PropertyMap = {
      ...base,
      memory: 64,
      memorySwap: 32,
      maxRetryCount: 3,
      rm: true,
      restart: "always",
      attach: true,
      volumes: [{ volumeName: "v" }],
      mounts: [{ type: "bind", target: "/x" }],
    };
    expect(problems(bad).map(({ property }) => property)).toEqual([
      "memorySwap",
      "maxRetryCount",
      "rm",
      "attach",
      "volumes[0].containerPath",
      "mounts[0].source",
    ]);
    for (const { reason } of problems(bad)) expect(reason).toMatch(/; fix: ./);
    // What isn't known yet gets the benefit of the doubt.
    expect(problems({ ...base, memorySwap: 32, memory: UNKNOWN })).toEqual([]);
    expect(problems({ ...base, mounts: [{ type: "bind", target: "/x", source: UNKNOWN }] })).toEqual([]);
  });

  test("what the SDK knows and the stand-in doesn't is refused", () => {
    for (const key of ["devices", "gpus", "uploads", "deviceRequests", "usernsMode", "platform"])
      expect(problems({ ...base, [key]: UNKNOWN }).map(({ property }) => property)).toEqual([key]);
  });

  test("every input of every resource has a rule", () => {
    for (const resource of [container, network, volume, remoteImage, service])
      expect(Object.keys(resource.rules).sort()).toEqual(Object.keys(resource.schema.shape).sort());
  });
});

describe("diff", () => {
  const changes = (state: PropertyMap, news: PropertyMap, old = state) =>
    [...diff(container, state, old, news)].map(
      ([key, { replace }]) => `${key}:${replace ? "replace" : "update"}`,
    );

  test("anything equals itself", () => {
    fc.assert(fc.property(inputs, (given) => void expect(changes(given, given)).toEqual([])));
  });

  test("the order of sets doesn't count", () => {
    fc.assert(
      fc.property(inputs, (given) => {
        const turned: PropertyMap = { ...given };
        for (const key of ["envs", "labels", "networksAdvanced", "ports"] as const)
          if (given[key]) turned[key] = [...given[key]].reverse();
        expect(changes(given, turned)).toEqual([]);
      }),
    );
  });

  test("live ones are updated, lifted limits and the rest replace", () => {
    const state = {
      ...base,
      memory: 64,
      memorySwap: 64,
      cpus: "1",
      cpuShares: 10,
      cpuSet: "0",
      restart: "always",
    };
    const news = {
      ...base,
      memory: 32,
      memorySwap: 32,
      cpus: "2",
      cpuShares: 20,
      cpuSet: "0-1",
      restart: "no",
    };
    expect(changes(state, news)).toEqual(
      ["memory", "memorySwap", "cpus", "cpuShares", "cpuSet", "restart"].map((key) => `${key}:update`),
    );
    expect(changes(state, { ...state, memory: 0 })).toEqual(["memory:replace"]);
    expect(changes(state, { ...state, cpuSet: "0" })).toEqual([]);
    expect(changes(state, { ...state, cpus: "1.0" })).toEqual([]);
    expect(changes(base, { ...base, envs: ["A=1"] })).toEqual(["envs:replace"]);
    expect(changes(base, { ...base, cpuSet: "0" })).toEqual(["cpuSet:update"]);
  });

  test("a port the daemon picked, written-out defaults and other spellings are no difference", () => {
    const ports = [{ internal: 80, external: 32768, ip: "0.0.0.0", protocol: "tcp" }];
    expect(changes({ ...base, ports }, { ...base, ports: [{ internal: 80 }] }, base)).toEqual([]);
    expect(changes({ ...base, ports }, { ...base, ports: [{ internal: 80, external: 0 }] }, base)).toEqual(
      [],
    );
    expect(changes({ ...base, ports }, { ...base, ports: [{ internal: 80, external: 8080 }] })).toEqual([
      "ports:replace",
    ]);
    const caps = (name: string) => ({ ...base, capabilities: { adds: [name] } });
    expect(changes(caps("CAP_CHOWN"), caps("chown"))).toEqual([]);
    const check = (interval: string) => ({ ...base, healthcheck: { tests: ["CMD", "x"], interval } });
    expect(changes(check("90s"), check("1m30s"))).toEqual([]);
  });

  test("rules name real properties only", () => {
    expect(Object.keys(containerRules).every((key) => key in containerSchema.shape)).toBe(true);
  });
});

test("a daemon that keeps no swap limit reads back -1, whatever was asked for, as with the official plugin", () => {
  const info = {
    Id: "c",
    Name: "/box",
    Config: { Image: "i", Hostname: "box" },
    HostConfig: { Memory: 32 * 2 ** 20, MemorySwap: -1 },
    NetworkSettings: { Networks: {} },
    State: { Running: true, ExitCode: 0 },
  } as unknown as Docker.ContainerInspectInfo;
  const changes = (memorySwap: number) => {
    const inputs = { name: "box", image: "i", memory: 32, memorySwap };
    return [...diff(container, stateOf(info, { inputs, state: {} }).outs, inputs, inputs).keys()];
  };
  expect(changes(32)).toEqual(["memorySwap"]);
  expect(changes(-1)).toEqual([]);
});

test("only what is set is sent to the daemon", () => {
  expect(createOptions({ name: "box", image: "debian" })).toEqual({
    name: "box",
    Image: "debian",
    Labels: {},
    HostConfig: {
      Binds: [],
      VolumesFrom: [],
      Mounts: [],
      RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
    },
  });
  const limited = { name: "box", image: "debian", storageOpts: { size: "4294967296" } };
  expect(createOptions(limited).HostConfig).toMatchObject({ StorageOpt: { size: "4294967296" } });
  expect(nanoseconds("1m30.5s")).toBe(90.5e9);
});

describe("the daemon's address", () => {
  test("what is understood", () => {
    expect(parseAddress({ host: "unix:///run/x.sock" })).toEqual({ kind: "unix", path: "/run/x.sock" });
    expect(parseAddress({ host: "tcp://h:2375" })).toEqual({
      kind: "tcp",
      host: "h",
      port: 2375,
      tls: false,
    });
    expect(parseAddress({ host: "tcp://h", certPath: "/c" })).toEqual({
      kind: "tcp",
      host: "h",
      port: 2376,
      tls: true,
    });
    expect(parseAddress({ host: "ssh://ann@h:2222" })).toEqual({ kind: "ssh", target: "ann@h", port: 2222 });
    expect(parseAddress({ host: "ssh://ann@[::1]" })).toMatchObject({ target: "ann@::1" });
    expect(parseAddress({ host: "ssh://[2001:db8::5]:22" })).toMatchObject({ target: "2001:db8::5" });
  });
  test.each([
    "npipe:////./pipe/x",
    "h:2375",
    "http://h",
    "tcp://",
    "unix://x",
    "ssh://a:b@h",
    "tcp://h/path",
    "ssh://-oProxyCommand=x",
  ])("%s is refused", (host) => expect(() => parseAddress({ host })).toThrow("is not a Docker endpoint"));
});
