import {
  CreateSubnetCommand,
  DeleteSubnetCommand,
  DescribeSubnetsCommand,
  type EC2Client,
  ModifySubnetAttributeCommand,
  type Subnet,
} from "@aws-sdk/client-ec2";
import { z } from "zod";
import { asking, awsError, codeOf, lookUp } from "../../drivers/ec2/errors.js";
import { tagMap } from "../../drivers/ec2/tags.js";
import { remove, soon } from "../../drivers/ec2/wait.js";
import { defineResource, type Found, type Known, type PropertyRule } from "../harness/resource.js";
import { bag } from "../harness/values.js";
import { finish } from "./finish.js";
import { found } from "./state.js";
import { changeTags, sameTags, tagsAtCreation, tagsIn, tagsSchema } from "./tags.js";

const schema = z.strictObject({
  vpcId: z.string(),
  cidrBlock: z.string(),
  /** Default: AWS chooses. */
  availabilityZone: z.string().optional(),
  /** Whether instances get a public address. Default false. */
  mapPublicIpOnLaunch: z.boolean().optional(),
  tags: tagsSchema.optional(),
});

const rules = {
  vpcId: { on: "replace" },
  cidrBlock: { on: "replace" },
  availabilityZone: { on: "replace" },
  mapPublicIpOnLaunch: { on: "update", default: false },
  tags: { on: "update" },
} satisfies Record<keyof z.output<typeof schema>, PropertyRule>;

async function readSubnet(client: EC2Client, id: string, known: Known): Promise<Found | undefined> {
  const answer = await lookUp(`subnet ${id} could not be read`, () =>
    client.send(new DescribeSubnetsCommand({ SubnetIds: [id] })),
  );
  const subnet = answer?.Subnets?.[0];
  if (!subnet) return undefined;
  const live = {
    vpcId: subnet.VpcId,
    cidrBlock: subnet.CidrBlock,
    availabilityZone: subnet.AvailabilityZone,
    availabilityZoneId: subnet.AvailabilityZoneId,
    mapPublicIpOnLaunch: subnet.MapPublicIpOnLaunch,
    tags: tagMap(subnet.Tags),
    tagsAll: tagMap(subnet.Tags),
    arn: subnet.SubnetArn,
    ownerId: subnet.OwnerId,
  };
  return found(id, live, known, rules);
}

/** The subnet that a killed run made and that is in no state. @throws UserError when the error has another cause. */
async function leftover(
  client: EC2Client,
  what: string,
  { vpcId, cidrBlock, tags }: z.output<typeof schema>,
  error: unknown,
): Promise<Subnet> {
  if (codeOf(error) !== "InvalidSubnet.Conflict") throw awsError(what, error);
  const Filters = [
    { Name: "vpc-id", Values: [vpcId] },
    { Name: "cidr-block", Values: [cidrBlock] },
  ];
  const answer = await asking(what, () => client.send(new DescribeSubnetsCommand({ Filters })));
  const there = answer.Subnets?.find((item) => sameTags(item.Tags, tags));
  if (!there) throw awsError(what, error);
  return there;
}

const setPublic = (client: EC2Client, id: string, Value: boolean) =>
  asking(`subnet ${id} could not be changed`, () =>
    client.send(new ModifySubnetAttributeCommand({ SubnetId: id, MapPublicIpOnLaunch: { Value } })),
  );

/** A subnet. ID: AWS's (subnet-…). */
export const subnet = defineResource<typeof schema, EC2Client>({
  token: "aws:ec2/subnet:Subnet",
  schema,
  rules,
  computed: ["arn", "availabilityZone", "availabilityZoneId", "ownerId", "tagsAll"],
  // The new subnet needs the addresses of the old one.
  deleteBeforeReplace: true,

  async create(inputs, ctx) {
    const client = await ctx.client();
    const what = `a subnet for ${inputs.cidrBlock} in ${inputs.vpcId} could not be created`;
    const request = new CreateSubnetCommand({
      VpcId: inputs.vpcId,
      CidrBlock: inputs.cidrBlock,
      AvailabilityZone: inputs.availabilityZone,
      ...tagsAtCreation("subnet", inputs.tags),
    });
    const made = await client.send(request).then(
      ({ Subnet }) => Subnet,
      (error: unknown) => leftover(client, what, inputs, error),
    );
    const id = made?.SubnetId ?? "";
    const known = { inputs: bag(inputs), state: {} };
    const undo = async () => {
      await client.send(new DeleteSubnetCommand({ SubnetId: id }));
    };
    return finish({ id, outs: known.inputs }, undo, async () => {
      await soon(what, ctx.signal, () => client.send(new DescribeSubnetsCommand({ SubnetIds: [id] })));
      if (inputs.mapPublicIpOnLaunch && !made?.MapPublicIpOnLaunch) await setPublic(client, id, true);
      return (await readSubnet(client, id, known)) ?? { id, outs: known.inputs };
    });
  },

  read: async (id, known, ctx) => readSubnet(await ctx.client(), id, known),

  async update(id, inputs, old, ctx) {
    const client = await ctx.client();
    const wanted = inputs.mapPublicIpOnLaunch ?? false;
    if (wanted !== old.state.mapPublicIpOnLaunch) await setPublic(client, id, wanted);
    await changeTags(client, [id], tagsIn(old.state.tags), inputs.tags);
    return (await readSubnet(client, id, { inputs: bag(inputs), state: old.state }))?.outs ?? old.state;
  },

  async delete(id, _state, ctx) {
    const client = await ctx.client();
    await remove(client, ctx.signal, {
      what: `subnet ${id} could not be removed`,
      call: () => client.send(new DeleteSubnetCommand({ SubnetId: id })),
      users: { name: "subnet-id", id },
    });
  },
});
