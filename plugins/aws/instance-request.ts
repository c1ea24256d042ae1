import type { RunInstancesCommandInput } from "@aws-sdk/client-ec2";
import type { InstanceInputs } from "./instance-schema.js";
import { tagsAtCreation } from "./tags.js";

type InstanceType = NonNullable<RunInstancesCommandInput["InstanceType"]>;

/** The request that launches the instance. It contains the tags, so that nothing exists without them. */
export function requestOf(inputs: InstanceInputs, rootDevice: string): RunInstancesCommandInput {
  const { rootBlockDevice: root, metadataOptions, instanceMarketOptions: market } = inputs;
  const spot = market?.spotOptions;
  const tagged = tagsAtCreation(
    ["instance", "network-interface", ...(market ? (["spot-instances-request"] as const) : [])],
    inputs.tags,
  );
  return {
    ImageId: inputs.ami,
    // AWS has newer types than the SDK lists.
    InstanceType: inputs.instanceType as InstanceType,
    MinCount: 1,
    MaxCount: 1,
    KeyName: inputs.keyName,
    UserData: inputs.userDataBase64 ?? (inputs.userData && Buffer.from(inputs.userData).toString("base64")),
    ...networkOf(inputs),
    BlockDeviceMappings: root && [
      {
        DeviceName: rootDevice,
        Ebs: {
          VolumeSize: root.volumeSize,
          VolumeType: root.volumeType,
          Iops: root.iops,
          Throughput: root.throughput,
          Encrypted: root.encrypted,
          KmsKeyId: root.kmsKeyId,
          DeleteOnTermination: root.deleteOnTermination ?? true,
        },
      },
    ],
    MetadataOptions: metadataOptions && metadataRequest(metadataOptions),
    InstanceInitiatedShutdownBehavior: inputs.instanceInitiatedShutdownBehavior,
    InstanceMarketOptions: market && {
      MarketType: "spot",
      SpotOptions: {
        MaxPrice: spot?.maxPrice,
        SpotInstanceType: "one-time",
        InstanceInterruptionBehavior: "terminate",
        ValidUntil: spot?.validUntil === undefined ? undefined : new Date(spot.validUntil),
      },
    },
    CreditSpecification: inputs.creditSpecification && { CpuCredits: inputs.creditSpecification.cpuCredits },
    Monitoring: { Enabled: inputs.monitoring ?? false },
    Placement:
      inputs.availabilityZone === undefined ? undefined : { AvailabilityZone: inputs.availabilityZone },
    TagSpecifications: [
      ...(tagged.TagSpecifications ?? []),
      ...(tagsAtCreation("volume", inputs.volumeTags ?? root?.tags).TagSpecifications ?? []),
    ],
  };
}

/** The public address can be chosen only for an interface, which then has subnet and security groups, too. */
function networkOf(inputs: InstanceInputs): Partial<RunInstancesCommandInput> {
  const { associatePublicIpAddress, subnetId, privateIp, vpcSecurityGroupIds } = inputs;
  if (associatePublicIpAddress === undefined)
    return { SubnetId: subnetId, PrivateIpAddress: privateIp, SecurityGroupIds: vpcSecurityGroupIds };
  return {
    NetworkInterfaces: [
      {
        DeviceIndex: 0,
        DeleteOnTermination: true,
        AssociatePublicIpAddress: associatePublicIpAddress,
        SubnetId: subnetId,
        PrivateIpAddress: privateIp,
        Groups: vpcSecurityGroupIds,
      },
    ],
  };
}

export const metadataRequest = (options: NonNullable<InstanceInputs["metadataOptions"]>) => ({
  HttpEndpoint: options.httpEndpoint,
  HttpTokens: options.httpTokens,
  HttpPutResponseHopLimit: options.httpPutResponseHopLimit,
  HttpProtocolIpv6: options.httpProtocolIpv6,
  InstanceMetadataTags: options.instanceMetadataTags,
});
