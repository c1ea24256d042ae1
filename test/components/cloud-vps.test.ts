import type { ComponentResourceOptions } from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { secretXslt } from "../../components/helpers/domain-xslt.js";
import { MatchedLab, type MatchedLabArgs } from "../../components/matched-lab.js";
import { instanceType } from "../../model/instance-catalogue.js";
import { machineSpecSchema } from "../../model/machine-spec.js";
import { ignoredChanges, only, type Registered, registered } from "./pulumi-mocks.js";

const HOST_KEY = `-----BEGIN OPENSSH PRIVATE KEY-----\n${"A".repeat(68)}\n-----END OPENSSH PRIVATE KEY-----\n`;
const ownership = {
  owner: "teacher@host",
  lab: "first-boot",
  seat: "alice",
  created: "2026-01-01T00:00:00.000Z",
  expires: "2026-01-01T03:00:00.000Z",
};
const base = {
  spec: machineSpecSchema.parse({ packages: ["nginx-light"] }),
  ownership,
  slot: 5,
};
const rented = {
  type: instanceType("t3.nano"),
  credits: "standard" as const,
  userKeys: ["ssh-ed25519 AAAA seat", "ssh-ed25519 BBBB more"],
  hostKey: HOST_KEY,
  hostPublicKey: "ssh-ed25519 CCCC host",
};
const aws = { ...rented, cloud: "aws" as const, learner: "203.0.113.7/32" };
/** What was written for the rehearsed machine. */
const seeds: { userData: string; metaData: string }[] = [];
const local = {
  ...rented,
  cloud: "local" as const,
  image: {
    pool: "trilab-images",
    baseVolume: "abc.qcow2",
    kernel: "/p/abc.vmlinux",
    initrd: "/p/abc.initrd",
  },
  diskPool: { name: "trilab", path: "/p/disks" },
  accelerator: "tcg" as const,
  writeSeed: async (userData: string, metaData: string) => {
    seeds.push({ userData, metaData });
    return "/seats/100%/vps-seed.iso";
  },
};
const NAME = "trilab-first-boot-alice-vps";
const TAGS = {
  Name: NAME,
  "trilab.owner": "teacher@host",
  "trilab.lab": "first-boot",
  "trilab.seat": "alice",
  "trilab.target": "vps",
  "trilab.created": "2026-01-01T00:00:00.000Z",
  "trilab.expires": "2026-01-01T03:00:00.000Z",
};
/** The signature that Pulumi wraps a secret with. */
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

let asked: Record<string, unknown> | undefined;
const resourcesOf = (
  vps: NonNullable<MatchedLabArgs["vps"]>,
  opts: ComponentResourceOptions = {},
): Promise<Registered[]> =>
  registered(() => new MatchedLab("alice", { ...base, vps }, opts), {
    "aws:ec2/getAmi:getAmi": (inputs) => {
      asked = inputs;
      return { ...inputs, id: "ami-123" };
    },
    "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": (inputs) => {
      expect(inputs).toEqual({
        locationType: "availability-zone",
        filters: [{ name: "instance-type", values: [vps.type.name] }],
      });
      return { ...inputs, id: "offers", locations: ["eu-central-1c", "eu-central-1a"] };
    },
  });

/** The text of a secret input. */
function secretText(input: unknown): string {
  const sealed = input as Record<string, unknown>;
  expect(Object.values(sealed)).toContain(SECRET);
  return String(sealed.value);
}

const userDataOf = (input: unknown): Record<string, unknown> => parse(secretText(input));

describe("a VPS rented from AWS", () => {
  it("is just these resources, by these names", async () => {
    const resources = await resourcesOf(aws);
    expect(resources.map((r) => `${r.type} ${r.name}`).sort()).toEqual(
      [
        "aws:ec2/instance:Instance alice-vps-instance",
        "aws:ec2/internetGateway:InternetGateway alice-vps-gateway",
        "aws:ec2/keyPair:KeyPair alice-vps-key",
        "aws:ec2/routeTable:RouteTable alice-vps-routes",
        "aws:ec2/routeTableAssociation:RouteTableAssociation alice-vps-routes-of-subnet",
        "aws:ec2/securityGroup:SecurityGroup alice-vps-firewall",
        "aws:ec2/subnet:Subnet alice-vps-subnet",
        ...Object.keys(TAGS).map((tag) => `aws:ec2/tag:Tag alice-vps-interface-${tag}`),
        "aws:ec2/vpc:Vpc alice-vps-vpc",
        "trilab:index:CloudVps alice-vps",
        "trilab:index:MatchedLab alice",
      ].sort(),
    );
  });

  it("is this instance, and nothing more is asked of EC2", async () => {
    const { inputs } = only(await resourcesOf(aws), "aws:ec2/instance:Instance");
    const { userData, ...rest } = inputs;
    expect(rest).toEqual({
      ami: "ami-123",
      instanceType: "t3.nano",
      keyName: NAME,
      vpcSecurityGroupIds: ["alice-vps-firewall-id"],
      subnetId: "alice-vps-subnet-id",
      associatePublicIpAddress: true,
      instanceInitiatedShutdownBehavior: "terminate",
      metadataOptions: {
        httpEndpoint: "enabled",
        httpTokens: "required",
        httpPutResponseHopLimit: 1,
        instanceMetadataTags: "disabled",
      },
      rootBlockDevice: {
        volumeType: "gp3",
        volumeSize: 8,
        encrypted: true,
        deleteOnTermination: true,
        tags: TAGS,
      },
      creditSpecification: { cpuCredits: "standard" },
      tags: TAGS,
    });
    const config = userDataOf(userData);
    expect(config.hostname).toBe(NAME);
    expect(config.ssh_authorized_keys).toEqual(rented.userKeys);
    expect(config.packages).toEqual(expect.arrayContaining(["openssh-server", "nginx-light"]));
  });

  it("boots the newest official image of the release", async () => {
    await resourcesOf(aws);
    expect(asked).toEqual({
      owners: ["136693071363"],
      mostRecent: true,
      filters: [
        { name: "name", values: ["debian-12-amd64-*"] },
        { name: "architecture", values: ["x86_64"] },
        { name: "virtualization-type", values: ["hvm"] },
      ],
    });
  });

  it("is reached by SSH from one address, and by nothing else", async () => {
    const { inputs } = only(await resourcesOf(aws), "aws:ec2/securityGroup:SecurityGroup");
    expect(inputs).toEqual({
      name: NAME,
      description: `SSH to ${NAME}, from its learner alone`,
      vpcId: "alice-vps-vpc-id",
      ingress: [
        { description: "SSH", protocol: "tcp", fromPort: 22, toPort: 22, cidrBlocks: ["203.0.113.7/32"] },
      ],
      egress: [{ description: "all", protocol: "-1", fromPort: 0, toPort: 0, cidrBlocks: ["0.0.0.0/0"] }],
      tags: TAGS,
    });
  });

  it("has a network of its own with a way out, all of it tagged", async () => {
    const resources = await resourcesOf(aws);
    const inputs = (type: string) => only(resources, `aws:ec2/${type}`).inputs;
    expect(inputs("vpc:Vpc")).toEqual({ cidrBlock: "10.213.1.96/28", tags: TAGS });
    expect(inputs("subnet:Subnet")).toEqual({
      vpcId: "alice-vps-vpc-id",
      cidrBlock: "10.213.1.96/28",
      availabilityZone: "eu-central-1a",
      tags: TAGS,
    });
    expect(inputs("internetGateway:InternetGateway")).toEqual({ vpcId: "alice-vps-vpc-id", tags: TAGS });
    expect(inputs("routeTable:RouteTable")).toEqual({
      vpcId: "alice-vps-vpc-id",
      routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: "alice-vps-gateway-id" }],
      tags: TAGS,
    });
    expect(inputs("routeTableAssociation:RouteTableAssociation")).toEqual({
      subnetId: "alice-vps-subnet-id",
      routeTableId: "alice-vps-routes-id",
    });
    expect(inputs("keyPair:KeyPair")).toEqual({
      keyName: NAME,
      publicKey: "ssh-ed25519 AAAA seat",
      tags: TAGS,
    });
  });

  it("tags the interface that EC2 makes with the instance", async () => {
    const tags = (await resourcesOf(aws)).filter((r) => r.type === "aws:ec2/tag:Tag");
    expect(Object.fromEntries(tags.map((t) => [t.inputs.key, t.inputs.value]))).toEqual(TAGS);
  });

  it("goes into the account's default network when told to", async () => {
    const resources = await resourcesOf({ ...aws, network: "default" });
    expect(resources.filter((r) => /vpc|subnet|Gateway|route/.test(r.type))).toEqual([]);
    const instance = only(resources, "aws:ec2/instance:Instance").inputs;
    expect(instance).not.toHaveProperty("subnetId");
    expect(instance).not.toHaveProperty("availabilityZone");
    expect(only(resources, "aws:ec2/securityGroup:SecurityGroup").inputs).not.toHaveProperty("vpcId");
  });

  it("takes spot capacity and a zone when told to, and asks no credits for a type that has none", async () => {
    const resources = await resourcesOf({
      ...aws,
      spot: true,
      zone: "eu-central-1b",
      type: instanceType("m7i.large"),
    });
    const { inputs } = only(resources, "aws:ec2/instance:Instance");
    expect(inputs.instanceMarketOptions).toEqual({
      marketType: "spot",
      spotOptions: { spotInstanceType: "one-time", instanceInterruptionBehavior: "terminate" },
    });
    expect(inputs).not.toHaveProperty("creditSpecification");
    expect(only(resources, "aws:ec2/subnet:Subnet").inputs.availabilityZone).toBe("eu-central-1b");
  });

  it("goes into a zone of the default network when told to", async () => {
    const resources = await resourcesOf({ ...aws, network: "default", zone: "eu-central-1b" });
    expect(only(resources, "aws:ec2/instance:Instance").inputs.availabilityZone).toBe("eu-central-1b");
  });

  it("is tagged with the end in force, where that was moved", async () => {
    const expires = "2026-01-02T00:00:00.000Z";
    const ends = (await resourcesOf({ ...aws, expires })).flatMap(({ inputs }) => {
      const tags = inputs.tags as Record<string, string> | undefined;
      return tags?.["trilab.expires"] ?? (inputs.key === "trilab.expires" ? inputs.value : []);
    });
    expect(ends).toEqual(Array(8).fill(expires));
  });

  it("is not replaced for a newer image, another lab.yaml, an address that it lacks just now, or a type that resize gave it", async () => {
    const { ignored, opts } = ignoredChanges();
    await resourcesOf(aws, opts);
    // As the engine and the Terraform bridge both understand it: the name of the tag has a dot.
    const end = 'tags.["trilab.expires"]';
    expect(ignored["aws:ec2/instance:Instance"]).toEqual([
      "ami",
      "userData",
      "associatePublicIpAddress",
      "instanceType",
      "creditSpecification",
      end,
      `rootBlockDevice.${end}`,
      "availabilityZone",
    ]);
    expect(ignored["aws:ec2/vpc:Vpc"]).toEqual([end]);
  });

  it("gets no rights in the account, and no other way in", async () => {
    const { inputs } = only(await resourcesOf(aws), "aws:ec2/instance:Instance");
    for (const absent of [
      "iamInstanceProfile",
      "getPasswordData",
      "ebsBlockDevices",
      "instanceMarketOptions",
    ])
      expect(inputs).not.toHaveProperty(absent);
  });
});

describe("a VPS rehearsed on the local hypervisor", () => {
  it("is just these resources, by these names", async () => {
    expect((await resourcesOf(local)).map((r) => `${r.type} ${r.name}`).sort()).toEqual([
      "libvirt:index/domain:Domain alice-vps-domain",
      "libvirt:index/network:Network alice-vps-network",
      "libvirt:index/volume:Volume alice-vps-disk",
      "libvirt:index/volume:Volume alice-vps-seed",
      "trilab:index:CloudVps alice-vps",
      "trilab:index:MatchedLab alice",
    ]);
  });

  it("has the instance type's shape, boots the whole system, and finds the seed beside its disk", async () => {
    const resources = await resourcesOf(local);
    const { xml, ...domain } = only(resources, "libvirt:index/domain:Domain").inputs;
    expect(domain).toMatchObject({
      name: NAME,
      type: "qemu",
      memory: 512,
      vcpu: 2,
      kernel: "/p/abc.vmlinux",
      disks: [{ volumeId: "alice-vps-disk-id" }, { volumeId: "alice-vps-seed-id" }],
    });
    const [pairs] = domain.cmdlines as Record<string, string>[];
    expect(pairs).toMatchObject({ root: "/dev/vda", "network-config": "disabled" });
    expect(pairs).not.toHaveProperty("systemd.unit");
    const xslt = (xml as { xslt: string }).xslt;
    expect(xslt).toContain(`<source file="/p/disks/${NAME}.seed.iso"/><target dev="vdb" bus="virtio"/>`);
    expect(xslt).toContain("trilab:address=10.213.1.98/28");
    expect(xslt).not.toContain("OPENSSH PRIVATE KEY");
    expect(only(resources, "libvirt:index/network:Network").inputs).toMatchObject({
      name: NAME,
      addresses: ["10.213.1.96/28"],
    });
    expect(resources.find((r) => r.name === "alice-vps-seed")?.inputs).toEqual({
      name: `${NAME}.seed.iso`,
      pool: "trilab",
      source: "file:///seats/100%25/vps-seed.iso",
      format: "raw",
      xml: { xslt: secretXslt() },
    });
    expect(resources.find((r) => r.name === "alice-vps-disk")?.inputs).toMatchObject({
      name: `${NAME}.qcow2`,
      baseVolumeName: "abc.qcow2",
      size: 4 * 2 ** 30,
    });
  });

  it("boots AWS's user-data but for the packages, which its image has", async () => {
    await resourcesOf(local);
    const rehearsed = parse(seeds.at(-1)?.userData ?? "");
    const instance = only(await resourcesOf(aws), "aws:ec2/instance:Instance").inputs;
    const { package_update, packages, cloud_final_modules, ...rest } = userDataOf(instance.userData);
    expect({ package_update, cloud_final_modules }).toEqual({
      package_update: true,
      cloud_final_modules: ["package-update-upgrade-install"],
    });
    expect(packages).toContain("nginx-light");
    expect(rehearsed).toEqual({ ...rest, cloud_final_modules: [] });
  });

  it.each([
    ["kvm", "standard", "t3.nano", "<cputune><period>100000</period><quota>5000</quota></cputune>"],
    ["kvm", "standard", "t3.xlarge", "<cputune><period>100000</period><quota>40000</quota></cputune>"],
    ["kvm", "unlimited", "t3.nano", undefined],
    ["kvm", "standard", "m7i.large", undefined],
    ["tcg", "standard", "t3.nano", undefined],
  ] as const)("under %s with %s credits a %s is held to %s", async (accelerator, credits, size, quota) => {
    const resources = await resourcesOf({ ...local, accelerator, credits, type: instanceType(size) });
    const { xslt } = only(resources, "libvirt:index/domain:Domain").inputs.xml as { xslt: string };
    expect(/<cputune>.*<\/cputune>/.exec(xslt)?.[0]).toBe(quota);
  });
});

it("all three targets stand side by side in addresses of their own", async () => {
  const resources = await registered(
    () =>
      new MatchedLab("alice", {
        ...base,
        container: { image: "trilab/machine:abc" },
        guest: { ...local, userKeys: rented.userKeys, hostKeyFile: "/seats/100%/host_ed25519" },
        vps: local,
      }),
  );
  const networks = resources.filter((r) => r.type === "libvirt:index/network:Network");
  expect(networks.map((n) => n.inputs.addresses)).toEqual([["10.213.1.96/28"], ["10.213.1.80/28"]]);
  expect(new Set(networks.map((n) => n.inputs.bridge)).size).toBe(2);
});
