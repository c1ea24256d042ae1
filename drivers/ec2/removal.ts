import {
  DeleteInternetGatewayCommand,
  DeleteKeyPairCommand,
  DeleteNetworkInterfaceCommand,
  DeleteRouteTableCommand,
  DeleteSecurityGroupCommand,
  DeleteSubnetCommand,
  DeleteVolumeCommand,
  DeleteVpcCommand,
  DescribeInternetGatewaysCommand,
  DescribeRouteTablesCommand,
  DetachInternetGatewayCommand,
  DisassociateRouteTableCommand,
  type EC2Client,
  ReleaseAddressCommand,
} from "@aws-sdk/client-ec2";
import type { AwsKind } from "../../model/kinds.js";
import { connect } from "./client.js";
import { terminate } from "./instance.js";
import { remove } from "./wait.js";

/** How long to wait until nothing uses a thing any more, in milliseconds. */
const LIMIT_MS = 10 * 60_000;

/** Something of a seat that AWS has. */
export interface AwsThing {
  id: string;
  name: string;
  region: string;
}

/** Removes one thing, after waiting until nothing uses it. Succeeds if it is already gone. @throws UserError with AWS's reason. */
export async function removeAws(kind: AwsKind, { id, name, region }: AwsThing): Promise<void> {
  const client = connect({ region });
  const signal = AbortSignal.timeout(LIMIT_MS);
  if (kind === "instance") return terminate(client, id, signal);
  const call = () => CALLS[kind](client, kind === "key pair" ? name : id);
  return remove(client, signal, { what: `${kind} ${id} could not be removed`, call });
}

const CALLS: Record<Exclude<AwsKind, "instance">, (client: EC2Client, id: string) => Promise<unknown>> = {
  "network interface": (client, id) =>
    client.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: id })),
  "elastic IP": (client, id) => client.send(new ReleaseAddressCommand({ AllocationId: id })),
  "EBS volume": (client, id) => client.send(new DeleteVolumeCommand({ VolumeId: id })),
  "key pair": (client, name) => client.send(new DeleteKeyPairCommand({ KeyName: name })),
  "security group": (client, id) => client.send(new DeleteSecurityGroupCommand({ GroupId: id })),
  "route table": removeRouteTable,
  subnet: (client, id) => client.send(new DeleteSubnetCommand({ SubnetId: id })),
  "internet gateway": removeGateway,
  VPC: (client, id) => client.send(new DeleteVpcCommand({ VpcId: id })),
};

async function removeRouteTable(client: EC2Client, id: string): Promise<unknown> {
  const { RouteTables } = await client.send(new DescribeRouteTablesCommand({ RouteTableIds: [id] }));
  for (const { Main, RouteTableAssociationId: AssociationId } of RouteTables?.[0]?.Associations ?? [])
    if (Main !== true) await client.send(new DisassociateRouteTableCommand({ AssociationId }));
  return client.send(new DeleteRouteTableCommand({ RouteTableId: id }));
}

async function removeGateway(client: EC2Client, id: string): Promise<unknown> {
  const { InternetGateways } = await client.send(
    new DescribeInternetGatewaysCommand({ InternetGatewayIds: [id] }),
  );
  for (const { VpcId } of InternetGateways?.[0]?.Attachments ?? [])
    await client.send(new DetachInternetGatewayCommand({ InternetGatewayId: id, VpcId }));
  return client.send(new DeleteInternetGatewayCommand({ InternetGatewayId: id }));
}
