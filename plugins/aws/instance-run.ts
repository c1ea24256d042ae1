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

/** How often one resource's instance may have been made within the hour AWS remembers the last. */
const GENERATIONS = 50;

/**
 * What makes a repeated request the same request for AWS. A run that was killed after RunInstances is repeated with
 * the same token, and gets the instance that is there. The firewall's ID makes it this very seat's: a URN says the
 * same on another machine. AWS remembers the token of a terminated instance, hence the generations.
 *
 * @returns undefined where there is no firewall to tell: then nothing can be recognised.
 */
export function clientToken(urn: string, inputs: InstanceInputs, generation: number): string | undefined {
  const groups = inputs.vpcSecurityGroupIds ?? [];
  if (groups.length === 0) return undefined;
  const identity = JSON.stringify([urn, inputs.subnetId, [...groups].sort(), generation]);
  return createHash("sha256").update(identity).digest("hex");
}

/** The live instance that a killed run made for this resource, and nobody recorded. */
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

/** Starts it. @returns as soon as its ID is known. @throws UserError with AWS's code; then nothing is there. */
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
      // Made with other inputs, and terminated since: `leftover` would have found it alive.
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
 * Tags the interfaces as the instance. They were asked for with the launch; a service that passes over that, as
 * emulators do, gets them now.
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
