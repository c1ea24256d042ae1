import {
  DescribeInstancesCommand,
  DescribeInternetGatewaysCommand,
  DescribeKeyPairsCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVolumesCommand,
  DescribeVpcsCommand,
  type EC2Client,
  type Tag,
} from "@aws-sdk/client-ec2";
import * as aws from "@pulumi/aws";
import type { CustomResourceOptions } from "@pulumi/pulumi";
import type { PulumiFn } from "@pulumi/pulumi/automation/index.js";

const PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB2e0nE6lvn3JZQ5k9yOZ1b3o3r7uHqT6m7y4y4y4y4y seat";

export interface Knobs {
  /** Whose tags they carry. */
  seat: string;
  expires?: string;
  /** Who may come in. */
  learner?: string;
  instanceType?: string;
  userData?: string;
  behavior?: "stop" | "terminate";
  zone?: string;
  ami?: string;
  /** Leave the instance out. */
  bare?: boolean;
  opts?: CustomResourceOptions;
}

/** A rented machine with everything round it, as the product asks for it. */
export const rented =
  (knobs: Knobs): PulumiFn =>
  async () => {
    const { opts = {}, zone = "eu-central-1a" } = knobs;
    const tags = { "trilab.seat": knobs.seat, "trilab.expires": knobs.expires ?? "1790000000" };
    const ami =
      knobs.ami ??
      (
        await aws.ec2.getAmi({
          owners: ["136693071363"],
          mostRecent: true,
          filters: [
            { name: "name", values: ["debian-12-amd64-*"] },
            { name: "architecture", values: ["x86_64"] },
          ],
        })
      ).id;
    const vpc = new aws.ec2.Vpc("net", { cidrBlock: "10.213.0.0/24", enableDnsHostnames: true, tags }, opts);
    const gateway = new aws.ec2.InternetGateway("way-out", { vpcId: vpc.id, tags }, opts);
    const subnet = new aws.ec2.Subnet(
      "subnet",
      {
        vpcId: vpc.id,
        cidrBlock: "10.213.0.0/26",
        availabilityZone: zone,
        mapPublicIpOnLaunch: true,
        tags,
      },
      opts,
    );
    const table = new aws.ec2.RouteTable(
      "routes",
      { vpcId: vpc.id, routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: gateway.id }], tags },
      opts,
    );
    new aws.ec2.RouteTableAssociation("route", { subnetId: subnet.id, routeTableId: table.id }, opts);
    const firewall = new aws.ec2.SecurityGroup(
      "firewall",
      {
        vpcId: vpc.id,
        description: "SSH from the learner alone",
        ingress: [
          {
            protocol: "tcp",
            fromPort: 22,
            toPort: 22,
            cidrBlocks: [knobs.learner ?? "203.0.113.7/32"],
            description: "the learner",
          },
        ],
        egress: [{ protocol: "-1", fromPort: 0, toPort: 0, cidrBlocks: ["0.0.0.0/0"] }],
        tags,
      },
      opts,
    );
    const key = new aws.ec2.KeyPair("key", { publicKey: PUBLIC_KEY, tags }, opts);
    if (knobs.bare) return {};
    const machine = new aws.ec2.Instance(
      "machine",
      {
        ami,
        instanceType: knobs.instanceType ?? "t3.micro",
        subnetId: subnet.id,
        vpcSecurityGroupIds: [firewall.id],
        keyName: key.keyName,
        userData: knobs.userData ?? "#cloud-config\nhostname: vps\n",
        userDataReplaceOnChange: true,
        associatePublicIpAddress: true,
        instanceInitiatedShutdownBehavior: knobs.behavior ?? "terminate",
        metadataOptions: { httpTokens: "required", httpEndpoint: "enabled", httpPutResponseHopLimit: 1 },
        rootBlockDevice: {
          encrypted: true,
          volumeType: "gp3",
          volumeSize: 8,
          deleteOnTermination: true,
          tags,
        },
        tags,
      },
      opts,
    );
    return { id: machine.id, address: machine.publicIp, ami: machine.ami };
  };

/** What carries a seat's tag, by kind; terminated instances aside, which AWS shows for an hour. */
export async function tagged(client: EC2Client, seat: string): Promise<Record<string, number>> {
  const Filters = [{ Name: "tag:trilab.seat", Values: [seat] }];
  const alive = [
    ...Filters,
    { Name: "instance-state-name", Values: ["pending", "running", "stopping", "stopped"] },
  ];
  const [machines, volumes, interfaces, groups, keys, tables, gateways, subnets, vpcs] = await Promise.all([
    client.send(new DescribeInstancesCommand({ Filters: alive })),
    client.send(new DescribeVolumesCommand({ Filters })),
    client.send(new DescribeNetworkInterfacesCommand({ Filters })),
    client.send(new DescribeSecurityGroupsCommand({ Filters })),
    client.send(new DescribeKeyPairsCommand({ Filters })),
    client.send(new DescribeRouteTablesCommand({ Filters })),
    client.send(new DescribeInternetGatewaysCommand({ Filters })),
    client.send(new DescribeSubnetsCommand({ Filters })),
    client.send(new DescribeVpcsCommand({ Filters })),
  ]);
  return {
    instances: machines.Reservations?.flatMap((item) => item.Instances ?? []).length ?? 0,
    volumes: volumes.Volumes?.length ?? 0,
    interfaces: interfaces.NetworkInterfaces?.length ?? 0,
    groups: groups.SecurityGroups?.length ?? 0,
    keys: keys.KeyPairs?.length ?? 0,
    tables: tables.RouteTables?.length ?? 0,
    gateways: gateways.InternetGateways?.length ?? 0,
    subnets: subnets.Subnets?.length ?? 0,
    vpcs: vpcs.Vpcs?.length ?? 0,
  };
}

export const tagsOf = (tags: Tag[] | undefined): Record<string, string> =>
  Object.fromEntries((tags ?? []).map(({ Key = "", Value = "" }) => [Key, Value]));
