import {
  CreateVpcCommand,
  DeleteVpcCommand,
  DescribeVpcAttributeCommand,
  DescribeVpcsCommand,
  type EC2Client,
  ModifyVpcAttributeCommand,
} from "@aws-sdk/client-ec2";
import { z } from "zod";
import { arnOf } from "../../drivers/ec2/client.js";
import { asking, lookUp } from "../../drivers/ec2/errors.js";
import { tagMap } from "../../drivers/ec2/tags.js";
import { remove, soon } from "../../drivers/ec2/wait.js";
import { defineResource, type Found, type Known, type PropertyRule } from "../harness/resource.js";
import { bag } from "../harness/values.js";
import { finish } from "./finish.js";
import { found } from "./state.js";
import { changeTags, tagsAtCreation, tagsIn, tagsSchema } from "./tags.js";

const schema = z.strictObject({
  cidrBlock: z.string(),
  /** DNS names for public addresses. Default false. */
  enableDnsHostnames: z.boolean().optional(),
  /** Amazon's DNS resolver. Default true. */
  enableDnsSupport: z.boolean().optional(),
  instanceTenancy: z.enum(["default", "dedicated"]).optional(),
  tags: tagsSchema.optional(),
});

const rules = {
  cidrBlock: { on: "replace" },
  enableDnsHostnames: { on: "update", default: false },
  enableDnsSupport: { on: "update", default: true },
  instanceTenancy: { on: "replace", default: "default" },
  tags: { on: "update" },
} satisfies Record<keyof z.output<typeof schema>, PropertyRule>;

async function readVpc(client: EC2Client, id: string, known: Known): Promise<Found | undefined> {
  const what = `VPC ${id} could not be read`;
  const answer = await lookUp(what, () => client.send(new DescribeVpcsCommand({ VpcIds: [id] })));
  const vpc = answer?.Vpcs?.[0];
  if (!vpc) return undefined;
  const attribute = (Attribute: "enableDnsHostnames" | "enableDnsSupport") =>
    asking(what, () => client.send(new DescribeVpcAttributeCommand({ VpcId: id, Attribute })));
  const [names, resolver] = await Promise.all([
    attribute("enableDnsHostnames"),
    attribute("enableDnsSupport"),
  ]);
  const live = {
    cidrBlock: vpc.CidrBlock,
    enableDnsHostnames: names.EnableDnsHostnames?.Value,
    enableDnsSupport: resolver.EnableDnsSupport?.Value,
    instanceTenancy: vpc.InstanceTenancy,
    tags: tagMap(vpc.Tags),
    tagsAll: tagMap(vpc.Tags),
    arn: await arnOf(client, vpc.OwnerId, "vpc", id),
    dhcpOptionsId: vpc.DhcpOptionsId,
    ownerId: vpc.OwnerId,
  };
  return found(id, live, known, rules);
}

/** Changes what differs. AWS accepts one attribute per request. */
async function setAttributes(
  client: EC2Client,
  id: string,
  was: { enableDnsHostnames: unknown; enableDnsSupport: unknown },
  inputs: z.output<typeof schema>,
): Promise<void> {
  const { enableDnsHostnames = false, enableDnsSupport = true } = inputs;
  const modify = (attribute: object) =>
    asking(`VPC ${id} could not be changed`, () =>
      client.send(new ModifyVpcAttributeCommand({ VpcId: id, ...attribute })),
    );
  if (enableDnsSupport !== was.enableDnsSupport)
    await modify({ EnableDnsSupport: { Value: enableDnsSupport } });
  if (enableDnsHostnames !== was.enableDnsHostnames)
    await modify({ EnableDnsHostnames: { Value: enableDnsHostnames } });
}

/** A virtual network. ID: AWS's (vpc-…). */
export const vpc = defineResource<typeof schema, EC2Client>({
  token: "aws:ec2/vpc:Vpc",
  schema,
  rules,
  computed: ["arn", "dhcpOptionsId", "ownerId", "tagsAll"],
  deleteBeforeReplace: false,

  async create(inputs, ctx) {
    const client = await ctx.client();
    const what = `a VPC for ${inputs.cidrBlock} could not be created`;
    const answer = await asking(what, () =>
      client.send(
        new CreateVpcCommand({
          CidrBlock: inputs.cidrBlock,
          InstanceTenancy: inputs.instanceTenancy ?? "default",
          ...tagsAtCreation("vpc", inputs.tags),
        }),
      ),
    );
    const id = answer.Vpc?.VpcId ?? "";
    const known = { inputs: bag(inputs), state: {} };
    const undo = async () => {
      await client.send(new DeleteVpcCommand({ VpcId: id }));
    };
    return finish({ id, outs: known.inputs }, undo, async () => {
      await soon(what, ctx.signal, () => client.send(new DescribeVpcsCommand({ VpcIds: [id] })));
      await setAttributes(client, id, { enableDnsHostnames: false, enableDnsSupport: true }, inputs);
      return (await readVpc(client, id, known)) ?? { id, outs: known.inputs };
    });
  },

  read: async (id, known, ctx) => readVpc(await ctx.client(), id, known),

  async update(id, inputs, old, ctx) {
    const client = await ctx.client();
    const { enableDnsHostnames, enableDnsSupport } = old.state;
    await setAttributes(client, id, { enableDnsHostnames, enableDnsSupport }, inputs);
    await changeTags(client, [id], tagsIn(old.state.tags), inputs.tags);
    return (await readVpc(client, id, { inputs: bag(inputs), state: old.state }))?.outs ?? old.state;
  },

  async delete(id, _state, ctx) {
    const client = await ctx.client();
    await remove(client, ctx.signal, {
      what: `VPC ${id} could not be removed`,
      call: () => client.send(new DeleteVpcCommand({ VpcId: id })),
      users: { name: "vpc-id", id },
    });
  },
});
