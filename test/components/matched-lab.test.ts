import { describe, expect, it } from "vitest";
import { diskXslt, secretXslt } from "../../components/helpers/domain-xslt.js";
import { MatchedLab, type MatchedLabArgs } from "../../components/matched-lab.js";
import { machineSpecSchema } from "../../model/machine-spec.js";
import { service as serviceResource } from "../../plugins/docker/service.js";
import { check } from "../../plugins/harness/check.js";
import type { PropertyMap } from "../../plugins/harness/values.js";
import { ignoredChanges, only, registered } from "./pulumi-mocks.js";

const ownership = {
  owner: "teacher@host",
  lab: "first-boot",
  seat: "alice",
  created: "2026-01-01T00:00:00.000Z",
  expires: "2026-01-01T03:00:00.000Z",
};
const base = { spec: machineSpecSchema.parse({ cpus: 2, memory: "512MiB" }), ownership, slot: 5 };
const container: MatchedLabArgs["container"] = { image: "trilab/machine:abc" };
const guest: MatchedLabArgs["guest"] = {
  image: {
    pool: "trilab-images",
    baseVolume: "abc.qcow2",
    kernel: "/p/abc.vmlinux",
    initrd: "/p/abc.initrd",
  },
  diskPool: { name: "trilab", path: "/p/disks" },
  accelerator: "tcg",
  userKeys: ["ssh-ed25519 AAAA seat"],
  hostKeyFile: "/seats/100%/host_ed25519",
};
const LABELS = [
  { label: "trilab.owner", value: "teacher@host" },
  { label: "trilab.lab", value: "first-boot" },
  { label: "trilab.seat", value: "alice" },
  { label: "trilab.target", value: "container" },
  { label: "trilab.created", value: "2026-01-01T00:00:00.000Z" },
  { label: "trilab.expires", value: "2026-01-01T03:00:00.000Z" },
];
const CAPABILITIES = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
];

describe("MatchedLab", () => {
  it("registers just these resources, each once", async () => {
    const resources = await registered(() => new MatchedLab("alice", { ...base, container, guest }));
    expect(resources.map((r) => r.type).sort()).toEqual([
      "docker:index/container:Container",
      "docker:index/network:Network",
      "docker:index/volume:Volume",
      "libvirt:index/domain:Domain",
      "libvirt:index/network:Network",
      "libvirt:index/volume:Volume",
      "libvirt:index/volume:Volume",
      "trilab:index:DockerHost",
      "trilab:index:LibvirtGuest",
      "trilab:index:MatchedLab",
    ]);
  });

  it("makes only the targets asked for", async () => {
    const resources = await registered(() => new MatchedLab("alice", { ...base, container }));
    expect(resources.filter((r) => r.type.startsWith("libvirt:"))).toEqual([]);
    expect(resources.filter((r) => r.type.startsWith("docker:"))).toHaveLength(3);
  });

  it("gives the container these inputs and no others", async () => {
    const resources = await registered(() => new MatchedLab("alice", { ...base, container }));
    expect(only(resources, "docker:index/container:Container").inputs).toEqual({
      name: "trilab-first-boot-alice-container",
      hostname: "trilab-first-boot-alice-container",
      image: "trilab/machine:abc",
      init: false,
      command: ["/usr/local/lib/trilab/lifetime", "run", "1767236400"],
      restart: "on-failure",
      mustRun: true,
      memory: 512,
      memorySwap: 512,
      shmSize: 64,
      ulimits: [{ name: "fsize", soft: 4 * 2 ** 30, hard: 4 * 2 ** 30 }],
      cpus: "2.0",
      privileged: false,
      capabilities: {
        drops: ["ALL"],
        adds: CAPABILITIES,
      },
      securityOpts: ["no-new-privileges"],
      ipcMode: "private",
      networkMode: "bridge",
      networksAdvanced: [{ name: "trilab-first-boot-alice-container", ipv4Address: "10.213.1.66" }],
      volumes: [{ volumeName: "trilab-first-boot-alice-container-home", containerPath: "/home/lab" }],
      logDriver: "json-file",
      logOpts: { "max-size": "10m", "max-file": "1" },
      destroyGraceSeconds: 1,
      labels: LABELS,
    });
  });

  it("asks for no swap limit where the daemon reads none back", async () => {
    const there = { ...container, swapLimit: false };
    const resources = await registered(() => new MatchedLab("alice", { ...base, container: there }));
    expect(only(resources, "docker:index/container:Container").inputs).toMatchObject({
      memory: 512,
      memorySwap: -1,
    });
  });

  it("limits the container's layer where the daemon can", async () => {
    const there = { ...container, layerLimit: true };
    const resources = await registered(() => new MatchedLab("alice", { ...base, container: there }));
    expect(only(resources, "docker:index/container:Container").inputs).toMatchObject({
      storageOpts: { size: "4294967296" },
      ulimits: [{ name: "fsize", soft: 4 * 2 ** 30, hard: 4 * 2 ** 30 }],
    });
  });

  it("replaces no container for its memory or CPUs, which are set in place, its capabilities, its init or its image, and no network for a daemon's options", async () => {
    const held = { ...container, mend: async () => {} };
    const one = ignoredChanges();
    await registered(() => new MatchedLab("alice", { ...base, container: held }, one.opts));
    expect(one.ignored).toEqual({
      "docker:index/container:Container": [
        ...[
          "capabilities",
          "init",
          "ulimits",
          "storageOpts",
          "memory",
          "memorySwap",
          "cpus",
          "cpuSet",
          "cpuShares",
          "image",
        ],
      ],
      "docker:index/network:Network": ["options"],
    });
    // With nobody to set them the provider must.
    const other = ignoredChanges();
    await registered(() => new MatchedLab("alice", { ...base, container }, other.opts));
    expect(other.ignored).toHaveProperty("docker:index/container:Container", [
      "capabilities",
      "init",
      "ulimits",
      "storageOpts",
    ]);
  });

  it("makes a Swarm's service of these inputs and no others, with an overlay network without a way out", async () => {
    const service = { image: "sha256:abc", avoid: ["lab9"] };
    const resources = await registered(() => new MatchedLab("alice", { ...base, service }));
    expect(resources.map((r) => r.type).sort()).toEqual([
      "docker:index/network:Network",
      "docker:index/service:Service",
      "trilab:index:MatchedLab",
      "trilab:index:SwarmService",
    ]);
    const name = "trilab-first-boot-alice-container";
    expect(only(resources, "docker:index/network:Network").inputs).toEqual({
      name,
      driver: "overlay",
      internal: true,
      ipamConfigs: [{ subnet: "10.213.1.64/28", gateway: "10.213.1.65" }],
      labels: LABELS,
    });
    const { inputs } = only(resources, "docker:index/service:Service");
    expect(inputs).toEqual({
      name,
      labels: LABELS,
      mode: { replicated: { replicas: 1 } },
      endpointSpec: { mode: "dnsrr" },
      taskSpec: {
        containerSpec: {
          image: "sha256:abc",
          hostname: name,
          init: false,
          args: ["/usr/local/lib/trilab/lifetime", "run", "1767236400"],
          capAdds: CAPABILITIES,
          capDrops: ["ALL"],
          mounts: [
            {
              type: "volume",
              source: `${name}-home`,
              target: "/home/lab",
              volumeOptions: { labels: [...LABELS, { label: "trilab.swarm", value: "home" }] },
            },
          ],
          stopGracePeriod: "1s",
        },
        resources: { limits: { memoryBytes: 512 * 2 ** 20, nanoCpus: 2e9 } },
        restartPolicy: { condition: "on-failure", delay: "1s", maxAttempts: 0, window: "0s" },
        placement: { constraints: ["node.hostname!=lab9"] },
        networksAdvanceds: [{ name: "alice-container-network-id" }],
        logDriver: { name: "json-file", options: { "max-size": "10m", "max-file": "1" } },
      },
    });
    // Our plugin supports all of them, and would read them back as they are.
    const plugin = { name: "docker", version: "5.2.0" };
    const checked = check(serviceResource, plugin, "urn::s", {}, inputs as PropertyMap);
    expect(checked.failures).toEqual([]);
  });

  it("keeps a Swarm's service as it is where somebody gives it its limits, and makes it without a container", async () => {
    const service = { image: "sha256:abc", mend: async () => {} };
    const { ignored, opts } = ignoredChanges();
    const resources = await registered(() => new MatchedLab("alice", { ...base, service }, opts));
    expect(ignored).toEqual({
      "docker:index/network:Network": ["options"],
      "docker:index/service:Service": ["mode", "taskSpec", "endpointSpec"],
    });
    expect(only(resources, "docker:index/service:Service").inputs.mode).toEqual({
      replicated: { replicas: 0 },
    });
  });

  it("lends the container nothing of the host", async () => {
    const { inputs } = only(
      await registered(() => new MatchedLab("alice", { ...base, container })),
      "docker:index/container:Container",
    );
    for (const absent of [
      "mounts",
      "devices",
      "pidMode",
      "usernsMode",
      "ports",
      "groupAdds",
      "publishAllPorts",
    ]) {
      expect(inputs).not.toHaveProperty(absent);
    }
    expect(JSON.stringify(inputs)).not.toContain("docker.sock");
  });

  it("gives the guest an overlay on the base disk, a network of its own and a fixed address", async () => {
    const resources = await registered(() => new MatchedLab("alice", { ...base, guest }));
    expect(resources.find((r) => r.name === "alice-guest-disk")?.inputs).toEqual({
      name: "trilab-first-boot-alice-guest.qcow2",
      pool: "trilab",
      baseVolumeName: "abc.qcow2",
      baseVolumePool: "trilab-images",
      size: 4 * 2 ** 30,
      format: "qcow2",
      xml: { xslt: diskXslt() },
    });
    const network = only(resources, "libvirt:index/network:Network").inputs;
    expect(network).toMatchObject({
      name: "trilab-first-boot-alice-guest",
      mode: "nat",
      addresses: ["10.213.1.80/28"],
      dhcp: { enabled: false },
    });
    const domain = only(resources, "libvirt:index/domain:Domain").inputs;
    expect(domain).toMatchObject({
      type: "qemu",
      machine: "pc",
      memory: 512,
      vcpu: 2,
      kernel: "/p/abc.vmlinux",
      initrd: "/p/abc.initrd",
      running: true,
    });
    expect(domain).not.toHaveProperty("cpu");
  });

  it("tells what the domain is to be before it is defined, so that a changed one can be shut down", async () => {
    const told: unknown[] = [];
    const makeWay = async (definition: unknown) => void told.push(definition);
    await registered(() => new MatchedLab("alice", { ...base, guest: { ...guest, makeWay } }));
    expect(told).toEqual([
      expect.objectContaining({
        name: "trilab-first-boot-alice-guest",
        accelerator: "tcg",
        memory: 512 * 2 ** 20,
        cpus: 2,
        kernelParameters: expect.arrayContaining(["root=/dev/vda", "quiet"]),
        oemStrings: expect.arrayContaining(["trilab:user-key=ssh-ed25519 AAAA seat"]),
      }),
    ]);
  });

  it("defines a guest that can grow at its ceiling, and starts it at its spec", async () => {
    const told: unknown[] = [];
    const makeWay = async (definition: unknown) => void told.push(definition);
    const ceiling = { memory: 1000 * 2 ** 20, cpus: 4 };
    const resources = await registered(
      () => new MatchedLab("alice", { ...base, guest: { ...guest, ceiling, makeWay } }),
    );
    const { cmdlines, memory, vcpu, xml } = only(resources, "libvirt:index/domain:Domain").inputs;
    // Its memory device has whole sections of 128 MiB.
    expect([memory, vcpu]).toEqual([1024, 4]);
    expect(cmdlines).toMatchObject([{ memhp_default_state: "online_movable", swiotlb: "noforce" }, {}]);
    expect(JSON.stringify(xml)).toContain('<vcpu current=\\"2\\">4</vcpu>');
    expect(told).toEqual([expect.objectContaining({ memory: 512 * 2 ** 20, cpus: 2 })]);
  });

  it("gives a guest that can't grow no other definition than before", async () => {
    const resources = await registered(() => new MatchedLab("alice", { ...base, guest }));
    const { cmdlines, xml } = only(resources, "libvirt:index/domain:Domain").inputs;
    expect(JSON.stringify([cmdlines, xml])).not.toMatch(/memhp|swiotlb|virtio-mem|maxMemory|vcpu|numa/);
    expect(JSON.stringify(xml)).toContain('<memballoon model=\\"none\\"/>');
  });

  it("tells the guest who it is by strings, and its host key by a file that only QEMU may read", async () => {
    const resources = await registered(() => new MatchedLab("alice", { ...base, guest }));
    const { xslt } = only(resources, "libvirt:index/domain:Domain").inputs.xml as { xslt: string };
    expect(xslt).toContain("trilab:hostname=trilab-first-boot-alice-guest");
    expect(xslt).toContain("trilab:address=10.213.1.82/28");
    expect(xslt).toContain("trilab:expires=1767236400<");
    expect(xslt).not.toContain("host-key=");
    expect(xslt).toContain(
      '<entry name="opt/trilab/host-key" file="/p/disks/trilab-first-boot-alice-guest.host-key"/>',
    );
    expect(resources.find((r) => r.name === "alice-guest-host-key")?.inputs).toEqual({
      name: "trilab-first-boot-alice-guest.host-key",
      pool: "trilab",
      source: "file:///seats/100%25/host_ed25519",
      format: "raw",
      xml: { xslt: secretXslt() },
    });
  });

  it("under KVM passes the host's CPU on and has no translation cache", async () => {
    const resources = await registered(
      () => new MatchedLab("alice", { ...base, guest: { ...guest, accelerator: "kvm" } }),
    );
    const domain = only(resources, "libvirt:index/domain:Domain").inputs;
    expect(domain).toMatchObject({ type: "kvm", cpu: { mode: "host-passthrough" } });
    expect(JSON.stringify(domain.xml)).not.toContain("tb-cache");
  });

  it("lets a transform have the last word", async () => {
    const resources = await registered(
      () =>
        new MatchedLab("alice", {
          ...base,
          container: {
            image: "i",
            transform: { container: (args) => ({ ...args, memory: 64 }), volume: { name: "mine" } },
          },
        }),
    );
    expect(only(resources, "docker:index/container:Container").inputs.memory).toBe(64);
    expect(only(resources, "docker:index/volume:Volume").inputs.name).toBe("mine");
  });
});
