import {
  DescribeAddressesCommand,
  DescribeKeyPairsCommand,
  DescribeVpcsCommand,
  type EC2Client,
  type Filter,
  paginateDescribeInstances,
  paginateDescribeInternetGateways,
  paginateDescribeNetworkInterfaces,
  paginateDescribeRouteTables,
  paginateDescribeSecurityGroups,
  paginateDescribeSubnets,
  paginateDescribeVolumes,
  paginateDescribeVpcs,
  type Tag,
} from "@aws-sdk/client-ec2";
import type { AwsKind } from "../../model/kinds.js";
import type { SeatId } from "../../model/naming.js";
import type { Labelled } from "../found.js";
import { connect } from "./client.js";
import { asking } from "./errors.js";
import { tagMap } from "./tags.js";

/** One seat's things in a region, as AWS reports them by tag; without a seat, those of every seat. */
export function awsThings(region: string, seat?: SeatId): Promise<Labelled[]> {
  const filters = seat
    ? [
        { Name: "tag:trilab.lab", Values: [seat.lab] },
        { Name: "tag:trilab.seat", Values: [seat.seat] },
      ]
    : [{ Name: "tag-key", Values: ["trilab.seat"] }];
  return asking(`${region} could not be queried`, () => thingsOf(connect({ region }), region, filters));
}

/** Sends a minimal query to a region. @throws UserError when it does not answer. */
export async function requireAws(region: string): Promise<void> {
  await asking(`${region} does not answer`, () =>
    connect({ region }).send(new DescribeVpcsCommand({ MaxResults: 5 })),
  );
}

/** The fields that we read, of every kind of object. */
interface Described {
  id: string | undefined;
  /** A name of its own. Default: its tag Name. */
  name?: string | undefined;
  /** Running or not, for machines. */
  state?: string | undefined;
  /** The public address, if it has one. */
  address?: string | undefined;
  tags: Tag[] | undefined;
}

/** Instances that are not terminated. AWS lists terminated ones for an hour. */
const LIVE = ["pending", "running", "shutting-down", "stopping", "stopped"];

async function thingsOf(client: EC2Client, region: string, Filters: Filter[]): Promise<Labelled[]> {
  const paged = { client };
  const request = { Filters };
  const alive = { Filters: [...Filters, { Name: "instance-state-name", Values: LIVE }] };
  const by: Record<AwsKind, () => Promise<Described[]>> = {
    instance: () =>
      collect(paginateDescribeInstances(paged, alive), ({ Reservations = [] }) =>
        Reservations.flatMap(({ Instances = [] }) => Instances).map((item) => ({
          id: item.InstanceId,
          state: item.State?.Name,
          address: item.PublicIpAddress,
          tags: item.Tags,
        })),
      ),
    "network interface": () =>
      collect(paginateDescribeNetworkInterfaces(paged, request), ({ NetworkInterfaces = [] }) =>
        NetworkInterfaces.map((item) => ({ id: item.NetworkInterfaceId, tags: item.TagSet })),
      ),
    // AWS returns these two without pages.
    "elastic IP": async () =>
      ((await client.send(new DescribeAddressesCommand(request))).Addresses ?? []).map((item) => ({
        id: item.AllocationId,
        tags: item.Tags,
      })),
    "EBS volume": () =>
      collect(paginateDescribeVolumes(paged, request), ({ Volumes = [] }) =>
        Volumes.map((item) => ({ id: item.VolumeId, tags: item.Tags })),
      ),
    "key pair": async () =>
      ((await client.send(new DescribeKeyPairsCommand(request))).KeyPairs ?? []).map((item) => ({
        id: item.KeyPairId,
        name: item.KeyName,
        tags: item.Tags,
      })),
    "security group": () =>
      collect(paginateDescribeSecurityGroups(paged, request), ({ SecurityGroups = [] }) =>
        SecurityGroups.map((item) => ({ id: item.GroupId, tags: item.Tags })),
      ),
    "route table": () =>
      collect(paginateDescribeRouteTables(paged, request), ({ RouteTables = [] }) =>
        RouteTables.map((item) => ({ id: item.RouteTableId, tags: item.Tags })),
      ),
    subnet: () =>
      collect(paginateDescribeSubnets(paged, request), ({ Subnets = [] }) =>
        Subnets.map((item) => ({ id: item.SubnetId, tags: item.Tags })),
      ),
    "internet gateway": () =>
      collect(paginateDescribeInternetGateways(paged, request), ({ InternetGateways = [] }) =>
        InternetGateways.map((item) => ({ id: item.InternetGatewayId, tags: item.Tags })),
      ),
    VPC: () =>
      collect(paginateDescribeVpcs(paged, request), ({ Vpcs = [] }) =>
        Vpcs.map((item) => ({ id: item.VpcId, tags: item.Tags })),
      ),
  };
  const found = await Promise.all(
    (Object.keys(by) as AwsKind[]).map(async (kind) =>
      (await by[kind]()).map((item) => labelled(kind, item, region)),
    ),
  );
  return found.flat();
}

async function collect<Page>(
  pages: AsyncIterable<Page>,
  items: (page: Page) => Described[],
): Promise<Described[]> {
  const all: Described[] = [];
  for await (const page of pages) all.push(...items(page));
  return all;
}

function labelled(
  kind: AwsKind,
  { id = "", name, state = "", address, tags }: Described,
  region: string,
): Labelled {
  const labels = tagMap(tags);
  const { Name = id, "trilab.owner": owner } = labels;
  return {
    labels,
    found: { kind, name: name ?? Name, id, state, owner, region, ...(address ? { address } : {}) },
  };
}
