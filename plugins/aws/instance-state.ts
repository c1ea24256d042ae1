import {
  DescribeInstanceAttributeCommand,
  DescribeVolumesCommand,
  type EC2Client,
  type Instance,
  type Volume,
} from "@aws-sdk/client-ec2";
import { arnOf } from "../../drivers/ec2/client.js";
import { lookUp } from "../../drivers/ec2/errors.js";
import { describe, isDead } from "../../drivers/ec2/instance.js";
import { tagMap } from "../../drivers/ec2/tags.js";
import type { Found, Known } from "../harness/resource.js";
import { instanceRules } from "./instance-schema.js";
import { found } from "./state.js";

/** Outputs that are no inputs, or whose default only AWS knows. */
export const computedOutputs = [
  "arn",
  "associatePublicIpAddress",
  "availabilityZone",
  "instanceLifecycle",
  "instanceState",
  "metadataOptions",
  "primaryNetworkInterfaceId",
  "privateDns",
  "privateIp",
  "publicDns",
  "publicIp",
  "rootBlockDevice",
  "spotInstanceRequestId",
  "subnetId",
  "tagsAll",
  "vpcSecurityGroupIds",
] as const;

function rootVolumeId(instance: Instance): string | undefined {
  const devices = instance.BlockDeviceMappings ?? [];
  return devices.find((device) => device.DeviceName === instance.RootDeviceName)?.Ebs?.VolumeId;
}

export const groupIds = (instance: Instance): string[] =>
  (instance.SecurityGroups ?? []).flatMap((group) => group.GroupId ?? []);

export const volumeIds = (instance: Instance): string[] =>
  (instance.BlockDeviceMappings ?? []).flatMap((device) => device.Ebs?.VolumeId ?? []);

export const interfaceIds = (instance: Instance): string[] =>
  (instance.NetworkInterfaces ?? []).flatMap((item) => item.NetworkInterfaceId ?? []);

/** @returns `undefined` if it is terminated or is being terminated. */
export async function readInstance(client: EC2Client, id: string, known: Known): Promise<Found | undefined> {
  const there = await describe(client, id);
  if (!there || isDead(there.instance)) return undefined;
  const { instance, owner } = there;
  const asks = known.inputs;
  const [volume, userData, behavior] = await Promise.all([
    rootVolume(client, instance),
    attribute(client, id, "userData"),
    attribute(client, id, "instanceInitiatedShutdownBehavior"),
  ]);
  const encoded = userData?.UserData?.Value ?? "";
  const metadata = instance.MetadataOptions;
  const primary = instance.NetworkInterfaces?.find((item) => item.Attachment?.DeviceIndex === 0);
  const live = {
    ami: instance.ImageId,
    instanceType: instance.InstanceType,
    subnetId: instance.SubnetId,
    vpcSecurityGroupIds: groupIds(instance),
    keyName: instance.KeyName,
    ...(asks.userDataBase64 === undefined
      ? { userData: Buffer.from(encoded, "base64").toString("utf8") }
      : { userDataBase64: encoded }),
    metadataOptions: metadata && {
      httpEndpoint: metadata.HttpEndpoint,
      httpTokens: metadata.HttpTokens,
      httpPutResponseHopLimit: metadata.HttpPutResponseHopLimit,
      httpProtocolIpv6: metadata.HttpProtocolIpv6,
      instanceMetadataTags: metadata.InstanceMetadataTags,
    },
    rootBlockDevice: volume && rootDevice(instance, volume),
    // As in the official plugin: whether it has an address now, because AWS does not store the launch's request.
    associatePublicIpAddress:
      primary === undefined ? instance.PublicIpAddress !== undefined : primary.Association !== undefined,
    privateIp: instance.PrivateIpAddress,
    instanceInitiatedShutdownBehavior: behavior?.InstanceInitiatedShutdownBehavior?.Value,
    monitoring: instance.Monitoring && ["enabled", "pending"].includes(instance.Monitoring.State ?? ""),
    availabilityZone: instance.Placement?.AvailabilityZone,
    tags: tagMap(instance.Tags),
    tagsAll: tagMap(instance.Tags),
    ...(asks.volumeTags === undefined || !volume ? {} : { volumeTags: tagMap(volume.Tags) }),
    arn: await arnOf(client, owner, "instance", id),
    instanceState: instance.State?.Name,
    instanceLifecycle: instance.InstanceLifecycle ?? "",
    spotInstanceRequestId: instance.SpotInstanceRequestId ?? "",
    primaryNetworkInterfaceId: primary?.NetworkInterfaceId ?? "",
    privateDns: instance.PrivateDnsName,
    publicDns: instance.PublicDnsName ?? "",
    publicIp: instance.PublicIpAddress ?? "",
  };
  return found(id, live, known, instanceRules);
}

async function rootVolume(client: EC2Client, instance: Instance): Promise<Volume | undefined> {
  const id = rootVolumeId(instance);
  if (id === undefined) return undefined;
  const answer = await lookUp(`volume ${id} could not be read`, () =>
    client.send(new DescribeVolumesCommand({ VolumeIds: [id] })),
  );
  return answer?.Volumes?.[0];
}

function rootDevice(instance: Instance, volume: Volume): object {
  const device = instance.BlockDeviceMappings?.find((item) => item.Ebs?.VolumeId === volume.VolumeId);
  return {
    volumeId: volume.VolumeId,
    deviceName: device?.DeviceName,
    volumeSize: volume.Size,
    volumeType: volume.VolumeType,
    iops: volume.Iops,
    throughput: volume.Throughput,
    encrypted: volume.Encrypted,
    kmsKeyId: volume.KmsKeyId,
    deleteOnTermination: device?.Ebs?.DeleteOnTermination,
    tags: tagMap(volume.Tags),
  };
}

/** An attribute of an instance; `undefined` if the instance disappeared between two calls. */
function attribute(
  client: EC2Client,
  InstanceId: string,
  Attribute: "userData" | "instanceInitiatedShutdownBehavior",
) {
  return lookUp(`instance ${InstanceId} could not be read`, () =>
    client.send(new DescribeInstanceAttributeCommand({ InstanceId, Attribute })),
  );
}
