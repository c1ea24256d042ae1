import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { PulumiFn } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Bench,
  checkpointText,
  docker as daemon,
  leftovers,
  makeImage,
  openBench,
  removeImage,
  sweep,
  uniqueName,
} from "../support.js";

const name = uniqueName("eng");
const image = `${name}:test`;
let bench: Bench;

beforeAll(async () => {
  [bench] = await Promise.all([openBench(name), makeImage(image)]);
});

afterAll(async () => {
  await bench?.close();
  const left = await sweep(name);
  await removeImage(image);
  expect(left).toEqual([]);
});

interface Knobs {
  memory?: number;
  env?: string;
  network?: boolean;
  opts?: pulumi.CustomResourceOptions;
}

/** Image, network, volume and a container with nearly every input our components set. */
const lab =
  ({ memory = 32, env = "one", opts = {} }: Knobs = {}): PulumiFn =>
  async () => {
    const labels = [
      { label: "trilab.lab", value: "plugin-test" },
      { label: "trilab.seat", value: name },
    ];
    const local = new docker.RemoteImage("image", { name: image, keepLocally: true }, opts);
    const network = new docker.Network(
      "network",
      { name: `${name}-net`, internal: true, labels, ipamConfigs: [{ subnet: "10.213.240.0/24" }] },
      opts,
    );
    const volume = new docker.Volume("volume", { name: `${name}-vol`, labels }, opts);
    const box = new docker.Container(
      "box",
      {
        name: `${name}-box`,
        image: local.imageId,
        hostname: "box",
        command: ["/bin/sleep", "600"],
        init: true,
        user: "0:0",
        workingDir: "/",
        envs: [`KNOB=${env}`, pulumi.secret("TOKEN=s3cr3t-value")],
        labels,
        capabilities: { drops: ["ALL"], adds: ["CHOWN", "SETUID"] },
        securityOpts: ["no-new-privileges:true"],
        memory,
        memorySwap: memory,
        shmSize: 16,
        cpus: "0.5",
        cpuShares: 512,
        networksAdvanced: [{ name: network.id, aliases: ["seat"], ipv4Address: "10.213.240.10" }],
        mounts: [{ type: "volume", source: volume.name, target: "/data" }],
        tmpfs: { "/run": "size=1m" },
        restart: "unless-stopped",
        readOnly: true,
        ulimits: [{ name: "nproc", soft: 256, hard: 256 }],
        hosts: [{ host: "gate", ip: "10.213.240.1" }],
        dns: ["10.213.240.1"],
        sysctls: { "net.ipv4.ip_default_ttl": "60" },
        logDriver: "json-file",
        logOpts: { "max-size": "1m", "max-file": "1" },
        stopTimeout: 1,
        stopSignal: "SIGKILL",
        destroyGraceSeconds: 1,
        removeVolumes: true,
        healthcheck: { tests: ["CMD", "/bin/true"], interval: "1s" },
        wait: true,
      },
      opts,
    );
    return {
      address: box.networkDatas[0]?.ipAddress ?? box.networkDatas.apply((list) => list[0]?.ipAddress),
      container: box.id,
      hostname: box.hostname,
      runtime: box.runtime,
      mountpoint: volume.mountpoint,
      driver: network.driver,
      scope: network.scope,
      imageId: local.imageId,
    };
  };

const inspect = () => daemon().getContainer(`${name}-box`).inspect();

describe("the life of a lab with the real engine and the unmodified SDK", () => {
  test("preview, create, no-op, live update, replacement, refresh, destroy", async () => {
    const preview = await (await bench.stack(lab())).preview();
    expect(preview.changeSummary).toEqual({ create: 5 });

    const created = await (await bench.stack(lab())).up();
    expect(created.summary.resourceChanges).toEqual({ create: 5 });
    const first = await inspect();
    expect(created.outputs).toMatchObject({
      address: { value: "10.213.240.10" },
      container: { value: first.Id },
      hostname: { value: "box" },
      runtime: { value: "runc" },
      mountpoint: { value: `/var/lib/docker/volumes/${name}-vol/_data` },
      driver: { value: "bridge" },
      scope: { value: "local" },
      imageId: { value: first.Image },
    });
    expect(first.State.Health?.Status).toBe("healthy");
    expect(first.Config).toMatchObject({
      Hostname: "box",
      User: "0:0",
      StopSignal: "SIGKILL",
      StopTimeout: 1,
    });
    expect(first.HostConfig).toMatchObject({
      Memory: 32 * 1024 * 1024,
      MemorySwap: 32 * 1024 * 1024,
      NanoCpus: 5e8,
      CpuShares: 512,
      ShmSize: 16 * 1024 * 1024,
      CapDrop: ["ALL"],
      CapAdd: ["CHOWN", "SETUID"],
      SecurityOpt: ["no-new-privileges:true"],
      ReadonlyRootfs: true,
      Init: true,
      Privileged: false,
      ExtraHosts: ["gate:10.213.240.1"],
      Ulimits: [{ Name: "nproc", Soft: 256, Hard: 256 }],
      LogConfig: { Type: "json-file", Config: { "max-size": "1m", "max-file": "1" } },
    });
    expect(await checkpointText(bench, name)).not.toContain("s3cr3t-value");

    const again = await (await bench.stack(lab())).up();
    expect(again.summary.resourceChanges).toEqual({ same: 5 });

    const grown = await (await bench.stack(lab({ memory: 64 }))).up();
    expect(grown.summary.resourceChanges).toEqual({ same: 4, update: 1 });
    const second = await inspect();
    expect(second.Id).toBe(first.Id);
    expect(second.State.StartedAt).toBe(first.State.StartedAt);
    expect(second.HostConfig.Memory).toBe(64 * 1024 * 1024);

    // A refresh of what nobody touched changes nothing; one after a change by hand shows it, and up undoes it.
    const quiet = await (await bench.stack(lab({ memory: 64 }))).refresh();
    expect(quiet.summary.resourceChanges).toEqual({ same: 5 });
    await daemon()
      .getContainer(first.Id)
      .update({ Memory: 48 * 1024 * 1024, MemorySwap: 48 * 1024 * 1024 });
    const drift = await (await bench.stack(lab({ memory: 64 }))).up({ refresh: true });
    expect(drift.summary.resourceChanges).toMatchObject({ update: 1 });
    expect((await inspect()).HostConfig.Memory).toBe(64 * 1024 * 1024);

    const replaced = await (await bench.stack(lab({ memory: 64, env: "two" }))).up();
    expect(replaced.summary.resourceChanges).toEqual({ same: 4, replace: 1 });
    const third = await inspect();
    expect(third.Id).not.toBe(first.Id);
    expect(third.Config.Env).toContain("KNOB=two");

    await daemon().getContainer(third.Id).remove({ force: true });
    const refreshed = await (await bench.stack(lab({ memory: 64, env: "two" }))).refresh();
    expect(refreshed.summary.resourceChanges).toEqual({ same: 4, delete: 1 });
    const remade = await (await bench.stack(lab({ memory: 64, env: "two" }))).up();
    expect(remade.summary.resourceChanges).toEqual({ same: 4, create: 1 });

    // The daemon is away: nothing may be forgotten.
    const dead = await bench.stack(lab({ memory: 64, env: "two" }), {
      DOCKER_HOST: "unix:///nonexistent/docker.sock",
    });
    await expect(dead.refresh()).rejects.toThrow(/the Docker daemon can't be reached/);
    await expect(dead.destroy()).rejects.toThrow(/the Docker daemon can't be reached/);
    const kept = (await dead.exportStack()).deployment as { resources: { type: string }[] };
    expect(kept.resources.map(({ type }) => type).filter((type) => type.startsWith("docker:"))).toHaveLength(
      4,
    );

    await (await bench.stack(lab())).destroy();
    expect(await leftovers(name)).toEqual([]);
    expect((await daemon().getImage(image).inspect()).Id).toBe(first.Image);
  });
});

describe("errors as the user sees them", () => {
  const failing = async (program: PulumiFn): Promise<string> => {
    const stack = await bench.stack(program);
    const error = await stack.up().then(
      () => "it worked",
      (thrown: unknown) => String(thrown),
    );
    await stack.destroy();
    return error;
  };

  test("a failed start leaves nothing and says why", async () => {
    const text = await failing(async () => {
      new docker.Container("bad", { name: `${name}-bad`, image, command: ["/no/such/program"] });
    });
    expect(text).toContain(`container "${name}-bad" could not be started`);
    expect(text).toMatch(/why: .*\/no\/such\/program/);
    expect(await leftovers(name)).toEqual([]);
  });

  test("an unsupported input, an unsupported resource and a bad host", async () => {
    const device = await failing(async () => {
      new docker.Container("bad", { name: `${name}-bad`, image, devices: [{ hostPath: "/dev/null" }] });
    });
    expect(device).toContain("devices is not supported");
    expect(device).toContain("pulumi plugin install resource docker v5.2.0");
    const tag = await failing(async () => {
      new docker.Tag("bad", { sourceImage: image, targetImage: `${name}:other` });
    });
    expect(tag).toContain("docker:index/tag:Tag is not supported");
    const host = await failing(async () => {
      new docker.Provider("bad", { host: "npipe:////./pipe/docker" });
    });
    expect(host).toContain("only unix://, tcp:// and ssh:// are supported");
    expect(await leftovers(name)).toEqual([]);
  });
});

describe("providers and imports", () => {
  test("an explicit provider; up twice; made-up names", async () => {
    const program: PulumiFn = async () => {
      const provider = new docker.Provider("here", { host: "unix:///var/run/docker.sock" });
      const volume = new docker.Volume(`${name}-auto`, {}, { provider });
      return { name: volume.name };
    };
    const first = await (await bench.stack(program)).up();
    expect(first.outputs.name?.value).toMatch(new RegExp(`^${name}-auto-[0-9a-f]{7}$`));
    const second = await (await bench.stack(program, { DOCKER_HOST: "unix:///nonexistent" })).up();
    expect(second.summary.resourceChanges).toEqual({ same: 3 });
    await (await bench.stack(program)).destroy();
    expect(await leftovers(name)).toEqual([]);
  });

  test("stack config reaches default providers", async () => {
    const stack = await bench.stack(async () => {
      new docker.Volume("volume", { name: `${name}-config` });
    });
    await stack.setConfig("docker:host", { value: "unix:///nonexistent/configured.sock" });
    await expect(stack.up()).rejects.toThrow(/configured\.sock/);
    await stack.removeConfig("docker:host");
    expect(await leftovers(name)).toEqual([]);
  });

  test("takes over by ID what was made by hand", async () => {
    const made = await daemon().createContainer({
      name: `${name}-hand`,
      Image: image,
      Cmd: ["/bin/sleep", "600"],
      Env: ["A=1"],
      HostConfig: { Memory: 32 * 1024 * 1024 },
    });
    await made.start();
    const program =
      (opts: pulumi.CustomResourceOptions): PulumiFn =>
      async () => {
        new docker.Container(
          "hand",
          { name: `${name}-hand`, image, command: ["/bin/sleep", "600"], envs: ["A=1"], memory: 32 },
          opts,
        );
      };
    const imported = await (await bench.stack(program({ import: made.id }))).up();
    expect(imported.summary.resourceChanges).toEqual({ same: 1, import: 1 });
    const after = await (await bench.stack(program({}))).up();
    expect(after.summary.resourceChanges).toEqual({ same: 2 });
    await (await bench.stack(program({}))).destroy();
    expect(await leftovers(name)).toEqual([]);
  });
});
