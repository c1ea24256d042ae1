import {
  AttachInternetGatewayCommand,
  CreateInternetGatewayCommand,
  DeleteInternetGatewayCommand,
  DescribeInternetGatewaysCommand,
  DetachInternetGatewayCommand,
  type EC2Client,
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
import { changeTags, sameTags, tagsAtCreation, tagsIn, tagsSchema } from "./tags.js";

const schema = z.strictObject({
  /** The VPC to which it is attached. Default: none yet. */
  vpcId: z.string().optional(),
  tags: tagsSchema.optional(),
});

const rules = {
  vpcId: { on: "replace" },
  tags: { on: "update" },
} satisfies Record<keyof z.output<typeof schema>, PropertyRule>;

async function readGateway(client: EC2Client, id: string, known: Known): Promise<Found | undefined> {
  const answer = await lookUp(`internet gateway ${id} could not be read`, () =>
    client.send(new DescribeInternetGatewaysCommand({ InternetGatewayIds: [id] })),
  );
  const gateway = answer?.InternetGateways?.[0];
  if (!gateway) return undefined;
  const live = {
    // "" and not `undefined`, because it is known to be attached to none.
    vpcId: gateway.Attachments?.[0]?.VpcId ?? "",
    tags: tagMap(gateway.Tags),
    tagsAll: tagMap(gateway.Tags),
    arn: await arnOf(client, gateway.OwnerId, "internet-gateway", id),
    ownerId: gateway.OwnerId,
  };
  return found(id, live, known, rules);
}

/** The gateway that a killed run attached to this VPC and that is in no state. A VPC has at most one. */
async function leftover(
  client: EC2Client,
  what: string,
  { vpcId, tags }: z.output<typeof schema>,
): Promise<string | undefined> {
  if (vpcId === undefined) return undefined;
  const Filters = [{ Name: "attachment.vpc-id", Values: [vpcId] }];
  const answer = await asking(what, () => client.send(new DescribeInternetGatewaysCommand({ Filters })));
  return answer.InternetGateways?.find((item) => sameTags(item.Tags, tags))?.InternetGatewayId;
}

/** A VPC's internet gateway. ID: AWS's (igw-…). */
export const internetGateway = defineResource<typeof schema, EC2Client>({
  token: "aws:ec2/internetGateway:InternetGateway",
  schema,
  rules,
  computed: ["arn", "ownerId", "tagsAll", "vpcId"],
  // A VPC has at most one.
  deleteBeforeReplace: true,

  async create(inputs, ctx) {
    const client = await ctx.client();
    const what = "an internet gateway could not be created";
    const known = { inputs: bag(inputs), state: {} };
    const left = await leftover(client, what, inputs);
    if (left !== undefined)
      return (await readGateway(client, left, known)) ?? { id: left, outs: known.inputs };
    const answer = await asking(what, () =>
      client.send(new CreateInternetGatewayCommand(tagsAtCreation("internet-gateway", inputs.tags))),
    );
    const id = answer.InternetGateway?.InternetGatewayId ?? "";
    const undo = async () => {
      await client.send(new DeleteInternetGatewayCommand({ InternetGatewayId: id }));
    };
    return finish({ id, outs: known.inputs }, undo, async () => {
      const { vpcId } = inputs;
      if (vpcId !== undefined)
        await soon(`internet gateway ${id} could not be attached to ${vpcId}`, ctx.signal, () =>
          client.send(new AttachInternetGatewayCommand({ InternetGatewayId: id, VpcId: vpcId })),
        );
      return (await readGateway(client, id, known)) ?? { id, outs: known.inputs };
    });
  },

  read: async (id, known, ctx) => readGateway(await ctx.client(), id, known),

  async update(id, inputs, old, ctx) {
    const client = await ctx.client();
    await changeTags(client, [id], tagsIn(old.state.tags), inputs.tags);
    return (await readGateway(client, id, { inputs: bag(inputs), state: old.state }))?.outs ?? old.state;
  },

  async delete(id, state, ctx) {
    const client = await ctx.client();
    const { vpcId } = state;
    // AWS detaches it only when no instance of the VPC has a public address.
    if (typeof vpcId === "string" && vpcId !== "")
      await remove(client, ctx.signal, {
        what: `internet gateway ${id} could not be detached from ${vpcId}`,
        call: () => client.send(new DetachInternetGatewayCommand({ InternetGatewayId: id, VpcId: vpcId })),
        users: { name: "vpc-id", id: vpcId },
      });
    await remove(client, ctx.signal, {
      what: `internet gateway ${id} could not be removed`,
      call: () => client.send(new DeleteInternetGatewayCommand({ InternetGatewayId: id })),
    });
  },
});
