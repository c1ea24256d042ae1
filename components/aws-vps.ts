import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";
import { awsDiskGiB } from "../model/aws-disk.js";
import { basePackages } from "../model/base-packages.js";
import type { CloudNetwork } from "../model/clouds.js";
import { ownershipLabels } from "../model/labels.js";
import { machineName } from "../model/naming.js";
import { userData } from "./helpers/cloud-init.js";
import type { CloudVpsArgs, VpsMachine } from "./vps-args.js";

type Ec2 = typeof import("@pulumi/aws/ec2/index.js");
/** Loaded with the first rented VPS, so that a seat without one does not wait for it. */
const loadEc2 = (): Ec2 => createRequire(import.meta.url)("@pulumi/aws/ec2") as Ec2;

/** How a machine is rented. The AWS provider's settings (`aws:region`) select region, account and endpoint. */
export interface AwsVpsArgs {
  /** The only address that may reach SSH: IPv4 with /32, such as `203.0.113.7/32`. */
  learner: string;
  /** A VPC of the seat's own, or the account's default one. Default own. */
  network?: CloudNetwork;
  /**
   * The availability zone. Default: that of the existing machine. For a new one in its own network: the first zone by name
   * that offers the instance type; in the account's default network: AWS chooses.
   */
  zone?: string | undefined;
  /** Spot capacity: cheaper, but AWS may end it with two minutes' notice. Default false. */
  spot?: boolean;
  /**
   * The effective expiry, for the tags of new resources. Existing ones keep their tags, which `extend` changes from outside.
   * ISO 8601 or `never`. Default: the ownership's.
   */
  expires?: string;
}

/** The tag that `extend` changes without the engine, which must not undo it. With the dot, as the Terraform bridge compares it. */
const MOVED = 'tags.["trilab.expires"]';

/** Debian's own account, which publishes the official images in every region. */
const DEBIAN_ACCOUNT = "136693071363";
const DEBIAN_NUMBER: Readonly<Record<string, string>> = { bookworm: "12" };

/** The spec as an instance on EC2, with its network, firewall and key, as children of `parent`. */
export function awsVps(
  name: string,
  args: CloudVpsArgs & AwsVpsArgs,
  parent: pulumi.ComponentResource,
): VpsMachine {
  const ec2 = loadEc2();
  const { expires = args.ownership.expires, spec, type, zone } = args;
  const ownership = { ...args.ownership, expires };
  const machine = machineName(ownership, "vps");
  const tags = { Name: machine, ...ownershipLabels(ownership, "vps") };
  const network = args.network === "default" ? undefined : ownNetwork(ec2, name, args, tags, parent);

  const firewall = new ec2.SecurityGroup(
    `${name}-firewall`,
    {
      name: machine,
      description: `SSH to ${machine}, from its learner alone`,
      ...(network ? { vpcId: network.vpcId } : {}),
      ingress: [
        { description: "SSH", protocol: "tcp", fromPort: 22, toPort: 22, cidrBlocks: [args.learner] },
      ],
      egress: [{ description: "all", protocol: "-1", fromPort: 0, toPort: 0, cidrBlocks: ["0.0.0.0/0"] }],
      tags,
    },
    { parent, ignoreChanges: [MOVED] },
  );

  const key = new ec2.KeyPair(
    `${name}-key`,
    {
      keyName: machine,
      publicKey: pulumi.output(args.userKeys).apply(([first = ""]) => first),
      tags,
    },
    { parent, ignoreChanges: [MOVED] },
  );

  const image = ec2.getAmiOutput(
    {
      owners: [DEBIAN_ACCOUNT],
      mostRecent: true,
      filters: [
        { name: "name", values: [`debian-${DEBIAN_NUMBER[spec.release] ?? spec.release}-amd64-*`] },
        { name: "architecture", values: ["x86_64"] },
        { name: "virtualization-type", values: ["hvm"] },
      ],
    },
    { parent },
  );

  const instance = new ec2.Instance(
    `${name}-instance`,
    {
      ami: image.id,
      instanceType: type.name,
      keyName: key.keyName,
      vpcSecurityGroupIds: [firewall.id],
      ...(network ? { subnetId: network.subnetId } : zone === undefined ? {} : { availabilityZone: zone }),
      associatePublicIpAddress: true,
      // A shutdown from inside terminates it: that is how an expired machine ends itself.
      instanceInitiatedShutdownBehavior: "terminate",
      metadataOptions: {
        httpEndpoint: "enabled",
        httpTokens: "required",
        httpPutResponseHopLimit: 1,
        instanceMetadataTags: "disabled",
      },
      rootBlockDevice: {
        volumeType: "gp3",
        volumeSize: awsDiskGiB(spec.disk),
        encrypted: true,
        deleteOnTermination: true,
        tags,
      },
      ...(type.baseline < 1 ? { creditSpecification: { cpuCredits: args.credits } } : {}),
      ...(args.spot
        ? {
            instanceMarketOptions: {
              marketType: "spot",
              spotOptions: { spotInstanceType: "one-time", instanceInterruptionBehavior: "terminate" },
            },
          }
        : {}),
      userData: pulumi.secret(pulumi.all([args.userKeys, args.hostKey])).apply(([userKeys, hostKey]) =>
        userData({
          hostname: machine,
          user: spec.user,
          userKeys,
          hostKey,
          hostPublicKey: args.hostPublicKey,
          packages: [...new Set([...Object.keys(basePackages), ...spec.packages])].sort(),
          files: args.files ?? [],
          run: args.run ?? [],
          afterPackages: args.afterPackages ?? [],
        }),
      ),
      tags,
    },
    {
      parent,
      // A newer Debian, a changed lab.yaml or a missing address must not replace a learner's machine; `resize` has changed its type.
      ignoreChanges: [
        ...[
          "ami",
          "userData",
          "associatePublicIpAddress",
          "instanceType",
          "creditSpecification",
          MOVED,
          `rootBlockDevice.${MOVED}`,
        ],
        ...(zone === undefined ? ["availabilityZone"] : []),
      ],
      dependsOn: network ? network.ready : [],
    },
  );

  // EC2 makes the interface together with the instance, without tags.
  for (const [tag, value] of Object.entries(tags)) {
    new ec2.Tag(
      `${name}-interface-${tag}`,
      { resourceId: instance.primaryNetworkInterfaceId, key: tag, value },
      { parent, ignoreChanges: tag === "trilab.expires" ? ["value"] : [] },
    );
  }
  return { id: instance.id, name: pulumi.output(machine), address: instance.publicIp };
}

interface OwnNetwork {
  vpcId: pulumi.Output<string>;
  subnetId: pulumi.Output<string>;
  /** What internet access needs. */
  ready: pulumi.Resource[];
}

/** A VPC for this machine alone, with one subnet and internet access. */
function ownNetwork(
  ec2: Ec2,
  name: string,
  args: CloudVpsArgs & AwsVpsArgs,
  tags: Record<string, string>,
  parent: pulumi.ComponentResource,
): OwnNetwork {
  const { cidr } = args.subnet;
  const vpc = new ec2.Vpc(`${name}-vpc`, { cidrBlock: cidr, tags }, { parent, ignoreChanges: [MOVED] });
  const subnet = new ec2.Subnet(
    `${name}-subnet`,
    {
      vpcId: vpc.id,
      cidrBlock: cidr,
      availabilityZone: args.zone ?? zoneWith(ec2, args.type.name, parent),
      tags,
    },
    {
      parent,
      // A new zone with this type is no reason to move; a zone that the user named is.
      ignoreChanges: args.zone === undefined ? ["availabilityZone", MOVED] : [MOVED],
      // The VPC is large enough for only one subnet.
      deleteBeforeReplace: true,
    },
  );
  const gateway = new ec2.InternetGateway(
    `${name}-gateway`,
    { vpcId: vpc.id, tags },
    { parent, ignoreChanges: [MOVED] },
  );
  const routes = new ec2.RouteTable(
    `${name}-routes`,
    { vpcId: vpc.id, routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: gateway.id }], tags },
    { parent, ignoreChanges: [MOVED] },
  );
  const association = new ec2.RouteTableAssociation(
    `${name}-routes-of-subnet`,
    { subnetId: subnet.id, routeTableId: routes.id },
    { parent },
  );
  return { vpcId: vpc.id, subnetId: subnet.id, ready: [association] };
}

/** Finds a zone with the instance type, because not every zone has every type. */
function zoneWith(ec2: Ec2, type: string, parent: pulumi.ComponentResource): pulumi.Output<string> {
  const offers = ec2.getInstanceTypeOfferingsOutput(
    { locationType: "availability-zone", filters: [{ name: "instance-type", values: [type] }] },
    { parent },
  );
  return offers.locations.apply((zones) => {
    const [first] = [...zones].sort();
    if (first !== undefined) return first;
    throw new pulumi.ResourceError(
      `no availability zone of this region offers ${type}: choose another type (vps.size) or region (vps.region)`,
      parent,
      true,
    );
  });
}
