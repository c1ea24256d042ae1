import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { dockerClient } from "../../../drivers/docker/connect.js";
import { parts } from "../../../plugins/docker/provider.js";
import { StandIn } from "../../../plugins/harness/provider.js";
import type { PropertyMap } from "../../../plugins/harness/values.js";
import { docker, leftovers, makeImage, removeImage, sweep, uniqueName } from "../support.js";

const name = uniqueName("direct");
const image = `${name}:test`;

const urn = (type: string): string =>
  `urn:pulumi:dev::tlplug::docker:index/${type[0]?.toLowerCase()}${type.slice(1)}:${type}::x`;
const CONTAINER = urn("Container");
const NETWORK = urn("Network");
const VOLUME = urn("Volume");
const IMAGE = urn("RemoteImage");

const plugin = (config: PropertyMap = {}) => {
  const standIn = new StandIn({ name: "docker", version: "5.2.0" }, async () => parts);
  standIn.configure(config);
  return standIn;
};
const none = { inputs: {}, state: {} };
const box = (more: PropertyMap = {}): PropertyMap => ({
  name: `${name}-box`,
  image,
  command: ["/bin/sleep", "600"],
  ...more,
});

beforeAll(async () => {
  await makeImage(image);
});
afterEach(async () => expect(await sweep(name)).toEqual([]));
afterAll(() => removeImage(image));

describe("containers", () => {
  test("one that ends at once is removed, and its last words are told", async () => {
    const bad = box({ command: ["/bin/sh", "-c", "echo out of cheese; exit 7"] });
    await expect(plugin().create(CONTAINER, bad, false)).rejects.toMatchObject({
      message: `container "${name}-box" did not stay up`,
      why: expect.stringMatching(/exit code 7; its last output:\nout of cheese/),
      fix: expect.stringContaining("mustRun: false"),
    });
    expect(await leftovers(name)).toEqual([]);
  });

  test("one that may end may; attach brings its output and exit code", async () => {
    const job = box({
      command: ["/bin/sh", "-c", "echo done; exit 3"],
      mustRun: false,
      attach: true,
      logs: true,
    });
    const made = await plugin().create(CONTAINER, job, false);
    expect(made.outs).toMatchObject({ exitCode: 3, containerLogs: "done\n", mustRun: false });
    await plugin().delete(CONTAINER, made.id, made.outs);
    const gone = await plugin().create(CONTAINER, { ...job, rm: true }, false);
    expect(gone.outs).toMatchObject({ exitCode: 3 });
    await plugin().delete(CONTAINER, gone.id, gone.outs);
  });

  test("a stopped one shows mustRun: false, and the update starts it", async () => {
    const made = await plugin().create(CONTAINER, box(), false);
    await docker().getContainer(made.id).stop({ t: 0 });
    const old = { inputs: box(), state: made.outs };
    const read = await plugin().read(CONTAINER, made.id, old);
    expect(read?.outs.mustRun).toBe(false);
    const after = { inputs: read?.inputs ?? {}, state: read?.outs ?? {} };
    const { changes } = await plugin().diff(CONTAINER, after, box(), []);
    expect([...changes]).toEqual([["mustRun", { change: "delete", replace: false }]]);
    expect((await plugin().update(CONTAINER, made.id, after, box(), false)).mustRun).toBe(true);
    expect((await docker().getContainer(made.id).inspect()).State.Running).toBe(true);
    await plugin().delete(CONTAINER, made.id, made.outs);
    await plugin().delete(CONTAINER, made.id, made.outs);
    expect(await plugin().read(CONTAINER, made.id, after)).toBeUndefined();
  });

  test("a taken name: whose it is", async () => {
    const labels = [{ label: "trilab.seat", value: "ann" }];
    const made = await plugin().create(CONTAINER, box({ labels }), false);
    await expect(plugin().create(CONTAINER, box(), false)).rejects.toMatchObject({
      why: expect.stringContaining("its labels say trilab.seat=ann"),
    });
    await plugin().delete(CONTAINER, made.id, made.outs);
  });

  test("cancelled while it waits for its health: taken away again", async () => {
    const standIn = plugin();
    const sick = box({
      wait: true,
      healthcheck: { tests: ["CMD", "/bin/sh", "-c", "exit 1"], interval: "60s" },
    });
    const making = standIn.create(CONTAINER, sick, false);
    making.catch(() => {});
    await expect.poll(async () => (await leftovers(name)).length).toBe(1);
    standIn.cancel();
    await expect(making).rejects.toThrow("the run was cancelled");
    expect(await leftovers(name)).toEqual([]);
  });

  test("two networks, published and picked ports, tmpfs and bind mounts; reading changes nothing", async () => {
    const nets = await Promise.all(
      ["a", "b"].map((which, index) =>
        plugin().create(
          NETWORK,
          {
            name: `${name}-${which}`,
            ipamConfigs: [{ subnet: `10.213.${242 + index}.0/24`, gateway: `10.213.${242 + index}.1` }],
          },
          false,
        ),
      ),
    );
    const inputs = box({
      networksAdvanced: [
        { name: `${name}-a` },
        { name: nets[1]?.id ?? "", aliases: ["b"], ipv4Address: "10.213.243.9" },
      ],
      ports: [
        { internal: 80, ip: "127.0.0.1" },
        { internal: 81, ip: "127.0.0.1", protocol: "udp" },
      ],
      mounts: [
        { type: "tmpfs", target: "/scratch", tmpfsOptions: { sizeBytes: 65536, mode: 1777 } },
        { type: "bind", source: "/usr/share", target: "/host", readOnly: true },
      ],
      volumes: [{ containerPath: "/anonymous" }],
      cpus: "0.50",
      cpuSet: "0",
      memory: 16,
    });
    expect((await plugin().check(CONTAINER, {}, inputs)).failures).toEqual([]);
    const made = await plugin().create(CONTAINER, inputs, false);
    expect(made.outs.networkDatas).toHaveLength(2);
    expect(made.outs.ports).toMatchObject([
      { internal: 80, external: expect.any(Number), ip: "127.0.0.1" },
      {},
    ]);
    const read = await plugin().read(CONTAINER, made.id, { inputs, state: made.outs });
    expect(read?.inputs).toEqual(inputs);
    expect(read?.outs).toEqual(made.outs);
    const { changes } = await plugin().diff(CONTAINER, { inputs, state: read?.outs ?? {} }, inputs, []);
    expect([...changes]).toEqual([]);
    // As with the official plugin, which never looks at them again.
    await docker().getNetwork(`${name}-a`).disconnect({ Container: made.id });
    const cut = await plugin().read(CONTAINER, made.id, { inputs, state: made.outs });
    expect(cut?.inputs).toEqual(inputs);
    expect(cut?.outs.networksAdvanced).toEqual(inputs.networksAdvanced);
    await docker().getNetwork(`${name}-a`).connect({ Container: made.id });
    // The swap limit the daemon chose must not stand in the way of more memory.
    const grown = { ...inputs, memory: 64, restart: "on-failure", maxRetryCount: 2, cpuShares: 100 };
    const outs = await plugin().update(CONTAINER, made.id, { inputs, state: made.outs }, grown, false);
    expect(outs).toMatchObject({
      memory: 64,
      memorySwap: 128,
      restart: "on-failure",
      maxRetryCount: 2,
      cpuShares: 100,
    });
    await expect(plugin().delete(NETWORK, nets[0]?.id ?? "", nets[0]?.outs ?? {})).rejects.toMatchObject({
      why: `running containers still use it: ${name}-box`,
    });
    await plugin().delete(CONTAINER, made.id, outs);
    for (const net of nets) await plugin().delete(NETWORK, net.id, net.outs);
  });
});

describe("networks, volumes, images", () => {
  test("a network and a volume whose name is taken; a volume in use", async () => {
    const labels = [{ label: "trilab.lab", value: "l" }];
    const config = { name: `${name}-n`, labels, ipamConfigs: [{ subnet: "10.213.244.0/24" }] };
    const net = await plugin().create(NETWORK, config, false);
    // The IPAM driver for the official plugin, which replaces a network whose state lacks it.
    const told = { driver: "bridge", scope: "local", internal: false, ipamDriver: "default" };
    expect(net.outs).toMatchObject(told);
    const read = await plugin().read(NETWORK, net.id, { inputs: config, state: net.outs });
    expect(read).toMatchObject({ outs: told, inputs: config });
    expect(read?.inputs).toEqual(config);
    const known = { inputs: config, state: net.outs };
    expect([...(await plugin().diff(NETWORK, known, config, [])).changes]).toEqual([]);
    const again = { name: `${name}-n`, ipamConfigs: [{ subnet: "10.213.245.0/24" }] };
    await expect(plugin().create(NETWORK, again, false)).rejects.toMatchObject({
      why: expect.stringContaining("trilab.lab=l"),
    });
    await plugin().delete(NETWORK, net.id, net.outs);
    await plugin().delete(NETWORK, net.id, net.outs);
    expect(await plugin().read(NETWORK, net.id, none)).toBeUndefined();

    const vol = await plugin().create(VOLUME, { name: `${name}-v`, labels }, false);
    await expect(plugin().create(VOLUME, { name: `${name}-v` }, false)).rejects.toMatchObject({
      why: expect.stringContaining("trilab.lab=l"),
    });
    const user = await plugin().create(
      CONTAINER,
      box({ volumes: [{ volumeName: `${name}-v`, containerPath: "/v" }] }),
      false,
    );
    await expect(plugin().delete(VOLUME, vol.id, vol.outs)).rejects.toMatchObject({
      why: `it is in use by container ${name}-box`,
    });
    await plugin().delete(CONTAINER, user.id, user.outs);
    await plugin().delete(VOLUME, vol.id, vol.outs);
    expect(await plugin().read(VOLUME, vol.id, none)).toBeUndefined();
  });

  test("an image: the local one is used; a missing one can't be pulled here; gone is gone", async () => {
    const made = await plugin().create(IMAGE, { name: image }, false);
    expect(made.id).toBe(`${made.outs.imageId}${image}`);
    const missing = plugin().create(IMAGE, { name: "127.0.0.1:1/no/such:image" }, false);
    await expect(missing).rejects.toMatchObject({ message: expect.stringContaining("could not be pulled") });
    await plugin().delete(IMAGE, made.id, made.outs);
    expect(await plugin().read(IMAGE, made.id, { inputs: {}, state: made.outs })).toBeUndefined();
    await plugin().delete(IMAGE, made.id, made.outs);
    await makeImage(image);
  });

  test("no daemon: an error, not 'gone'", async () => {
    const dead = plugin({ host: "tcp://127.0.0.1:1" });
    await expect(dead.read(CONTAINER, "abc", none)).rejects.toThrow("the Docker daemon can't be reached");
    await expect(dead.delete(VOLUME, "abc", {})).rejects.toThrow("the Docker daemon can't be reached");
  });
});

test("ssh:// goes through the ssh command, whatever DOCKER_HOST says", async () => {
  const dir = await mkdtemp(join(tmpdir(), "tlplug-ssh-"));
  const path = process.env.PATH;
  try {
    // Stands for the remote side: checks how it is called, then does what sshd would.
    const script = `#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift 2\nexec env -u DOCKER_HOST "$@"\n`;
    await writeFile(join(dir, "ssh"), script);
    await chmod(join(dir, "ssh"), 0o755);
    process.env.PATH = `${dir}:${path}`;
    process.env.DOCKER_HOST = "tcp://127.0.0.1:1";
    const info = (await dockerClient({ host: "ssh://someone@example.invalid" }).info()) as {
      ServerVersion: string;
    };
    expect(info.ServerVersion).toMatch(/^\d/);
  } finally {
    process.env.PATH = path;
    delete process.env.DOCKER_HOST;
    await rm(dir, { recursive: true });
  }
});
