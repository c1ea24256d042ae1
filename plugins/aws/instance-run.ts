import { createHash, randomUUID } from "node:crypto";
import {
  DescribeImagesCommand,
  DescribeNetworkInterfacesCommand,
  type EC2Client,
  type Instance,
  paginateDescribeInstances,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import { UserError } from "../../base/errors.js";
import { asking, awsError, codeOf } from "../../drivers/ec2/errors.js";
import { isDead } from "../../drivers/ec2/instance.js";
import { type Tags, tagMap } from "../../drivers/ec2/tags.js";
import { requestOf } from "./instance-request.js";
import type { InstanceInputs } from "./instance-schema.js";
import { interfaceIds } from "./instance-state.js";
import { changeTags } from "./tags.js";

/** How many instances may be made for one resource in an hour, which is how long AWS remembers the last one. */
const GENERATIONS = 50;

/**
 * The token by which AWS recognises a repeated request. If a run was killed after RunInstances, the next run sends the same
 * token and gets the existing instance. The token contains the firewall's ID, because another seat on another machine may
 * have the same URN. AWS also remembers the token of a terminated instance, so there are several generations of tokens.
 *
 * @returns `undefined` without a firewall: then no instance can be recognised.
 */
export function clientToken(urn: string, inputs: InstanceInputs, generation: number): string | undefined {
  const groups = inputs.vpcSecurityGroupIds ?? [];
  if (groups.length === 0) return undefined;
  const identity = JSON.stringify([urn, inputs.subnetId, [...groups].sort(), generation]);
  return createHash("sha256").update(identity).digest("hex");
}

/** The instance that a killed run made for this resource and that is in no state; `undefined` if there is none. */
export async function leftover(
  client: EC2Client,
  urn: string,
  inputs: InstanceInputs,
): Promise<Instance | undefined> {
  if (clientToken(urn, inputs, 0) === undefined) return undefined;
  const tokens = Array.from({ length: GENERATIONS }, (_, index) => clientToken(urn, inputs, index));
  const { subnetId } = inputs;
  return asking("instances could not be looked for", async () => {
    const Filters = [
      { Name: "instance-state-name", Values: ["pending", "running", "stopping", "stopped"] },
      ...(subnetId === undefined ? [] : [{ Name: "subnet-id", Values: [subnetId] }]),
    ];
    for await (const page of paginateDescribeInstances({ client }, { Filters })) {
      const there = (page.Reservations ?? []).flatMap((item) => item.Instances ?? []);
      const ours = there.find((item) => tokens.includes(item.ClientToken));
      if (ours) return ours;
    }
    return undefined;
  });
}

/** Launches it. @returns when its ID is known. @throws UserError with AWS's error code; then there is no instance. */
export async function launch(client: EC2Client, urn: string, inputs: InstanceInputs): Promise<Instance> {
  const what = `an instance of type ${inputs.instanceType} could not be created`;
  const request = requestOf(inputs, await rootDeviceOf(client, what, inputs.ami));
  for (let generation = 0; generation < GENERATIONS; generation += 1) {
    const ClientToken = clientToken(urn, inputs, generation) ?? randomUUID();
    try {
      const answer = await client.send(new RunInstancesCommand({ ...request, ClientToken }));
      const [instance] = answer.Instances ?? [];
      if (instance && !isDead(instance)) return instance;
    } catch (error) {
      // It was made with other inputs and has been terminated, because `leftover` did not find it.
      if (codeOf(error) !== "IdempotentParameterMismatch") throw awsError(what, error);
    }
  }
  throw new UserError(what, {
    why: `${GENERATIONS} instances were made and terminated for it within the hour`,
    fix: "wait an hour, then run it again",
  });
}

async function rootDeviceOf(client: EC2Client, what: string, ami: string): Promise<string> {
  const answer = await asking(what, () => client.send(new DescribeImagesCommand({ ImageIds: [ami] })));
  const name = answer.Images?.[0]?.RootDeviceName;
  if (name !== undefined) return name;
  throw new UserError(`${what}: the image isn't there`, {
    why: `InvalidAMIID.NotFound: AWS knows no image ${ami} in this region`,
    fix: "choose an AMI of this region (aws.ec2.getAmi finds the newest)",
  });
}

/**
 * Tags the instance's network interfaces. The launch request contained these tags, but emulators ignore them.
 */
export async function tagInterfaces(client: EC2Client, instance: Instance, tags: Tags = {}): Promise<void> {
  const NetworkInterfaceIds = interfaceIds(instance);
  if (NetworkInterfaceIds.length === 0 || Object.keys(tags).length === 0) return;
  const answer = await asking(`the interfaces of ${instance.InstanceId} could not be read`, () =>
    client.send(new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds })),
  );
  for (const item of answer.NetworkInterfaces ?? []) {
    const has = tagMap(item.TagSet);
    await changeTags(client, [item.NetworkInterfaceId ?? ""], has, { ...has, ...tags });
  }
}
