import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeSecurityGroupsCommand,
  type EC2Client,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
  type SecurityGroup,
} from "@aws-sdk/client-ec2";
import { z } from "zod";
import { UserError } from "../../base/errors.js";
import { arnOf } from "../../drivers/ec2/client.js";
import { asking, awsError, codeOf, lookUp } from "../../drivers/ec2/errors.js";
import { tagMap } from "../../drivers/ec2/tags.js";
import { remove, soon } from "../../drivers/ec2/wait.js";
import { defineResource, type Found, type Known, type PropertyRule } from "../harness/resource.js";
import { bag } from "../harness/values.js";
import { finish } from "./finish.js";
import { changesOf, type Rule, ruleSchema, rulesAgree, rulesOf } from "./security-rules.js";
import { found } from "./state.js";
import { changeTags, sameTags, tagsAtCreation, tagsIn, tagsSchema } from "./tags.js";

const schema = z.strictObject({
  name: z
    .string()
    .regex(/^(?!sg-)[\w .:/()#,@[\]+=&;{}!$*-]{1,255}$/, "AWS accepts 1 to 255 plain characters"),
  description: z.string().max(255).optional(),
  /** Default: the region's default VPC. */
  vpcId: z.string().optional(),
  /** Incoming traffic that is allowed. If it is not set: nothing at creation, and later the rules are not changed. */
  ingress: z.array(ruleSchema).optional(),
  /** Outgoing traffic that is allowed. If it is not set: nothing at creation, as in the official provider, and later the rules are not changed. */
  egress: z.array(ruleSchema).optional(),
  tags: tagsSchema.optional(),
});
type Inputs = z.output<typeof schema>;

const rules = {
  name: { on: "replace" },
  description: { on: "replace" },
  vpcId: { on: "replace" },
  ingress: { on: "update", agrees: rulesAgree },
  egress: { on: "update", agrees: rulesAgree },
  tags: { on: "update" },
} satisfies Record<keyof Inputs, PropertyRule>;

async function describe(client: EC2Client, id: string): Promise<SecurityGroup | undefined> {
  const answer = await lookUp(`security group ${id} could not be read`, () =>
    client.send(new DescribeSecurityGroupsCommand({ GroupIds: [id] })),
  );
  return answer?.SecurityGroups?.[0];
}

async function readGroup(client: EC2Client, id: string, known: Known): Promise<Found | undefined> {
  const group = await describe(client, id);
  if (!group) return undefined;
  const live = {
    name: group.GroupName,
    description: group.Description,
    vpcId: group.VpcId,
    ingress: rulesOf(group.IpPermissions, id),
    egress: rulesOf(group.IpPermissionsEgress, id),
    tags: tagMap(group.Tags),
    tagsAll: tagMap(group.Tags),
    arn: await arnOf(client, group.OwnerId, "security-group", id),
    ownerId: group.OwnerId,
  };
  return found(id, live, known, rules);
}

/** Removes rules that are not wanted before it adds others, because a changed description is one old rule and one new. */
async function changeRules(
  client: EC2Client,
  group: SecurityGroup,
  { ingress, egress }: { ingress: readonly Rule[]; egress: readonly Rule[] },
): Promise<void> {
  const GroupId = group.GroupId ?? "";
  const what = `the rules of security group ${GroupId} could not be changed`;
  const inward = changesOf(rulesOf(group.IpPermissions, GroupId), ingress, GroupId);
  const outward = changesOf(rulesOf(group.IpPermissionsEgress, GroupId), egress, GroupId);
  await asking(what, async () => {
    if (inward.revoke.length > 0)
      await client.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions: inward.revoke }));
    if (inward.authorize.length > 0)
      await client.send(
        new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: inward.authorize }),
      );
    if (outward.revoke.length > 0)
      await client.send(new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: outward.revoke }));
    if (outward.authorize.length > 0)
      await client.send(
        new AuthorizeSecurityGroupEgressCommand({ GroupId, IpPermissions: outward.authorize }),
      );
  });
}

/** A firewall with its rules inline. ID: AWS's (sg-…). */
export const securityGroup = defineResource<typeof schema, EC2Client>({
  token: "aws:ec2/securityGroup:SecurityGroup",
  schema,
  rules,
  computed: ["arn", "egress", "ingress", "ownerId", "tagsAll", "vpcId"],
  autoname: "name",
  deleteBeforeReplace: true,

  async create(inputs, ctx) {
    const client = await ctx.client();
    const what = `security group "${inputs.name}" could not be created`;
    const id = await createGroup(client, what, inputs);
    const known = { inputs: bag(inputs), state: {} };
    const undo = async () => {
      await client.send(new DeleteSecurityGroupCommand({ GroupId: id }));
    };
    return finish({ id, outs: known.inputs }, undo, async () => {
      const group = await soon(what, ctx.signal, () =>
        client.send(new DescribeSecurityGroupsCommand({ GroupIds: [id] })),
      );
      const { ingress = [], egress = [] } = inputs;
      await changeRules(client, group.SecurityGroups?.[0] ?? { GroupId: id }, { ingress, egress });
      return (await readGroup(client, id, known)) ?? { id, outs: known.inputs };
    });
  },

  read: async (id, known, ctx) => readGroup(await ctx.client(), id, known),

  async update(id, inputs, old, ctx) {
    const client = await ctx.client();
    const group = await describe(client, id);
    if (!group)
      throw new UserError(`security group ${id} could not be changed`, {
        why: "it is gone",
        fix: "run it again with --refresh",
      });
    // Rules without an input stay, unless the last run had an input for them.
    const wanted = (key: "ingress" | "egress", live: Rule[]): Rule[] =>
      inputs[key] ?? (old.inputs[key] === undefined ? live : []);
    await changeRules(client, group, {
      ingress: wanted("ingress", rulesOf(group.IpPermissions, id)),
      egress: wanted("egress", rulesOf(group.IpPermissionsEgress, id)),
    });
    await changeTags(client, [id], tagsIn(old.state.tags), inputs.tags);
    return (await readGroup(client, id, { inputs: bag(inputs), state: old.state }))?.outs ?? old.state;
  },

  async delete(id, _state, ctx) {
    const client = await ctx.client();
    await remove(client, ctx.signal, {
      what: `security group ${id} could not be removed`,
      call: () => client.send(new DeleteSecurityGroupCommand({ GroupId: id })),
      users: { name: "group-id", id },
    });
  },
});

/** @returns the new group's ID, or that of the group that a killed run made. */
async function createGroup(client: EC2Client, what: string, inputs: Inputs): Promise<string> {
  const { name, description = "Managed by Pulumi", vpcId, tags } = inputs;
  try {
    const made = await client.send(
      new CreateSecurityGroupCommand({
        GroupName: name,
        Description: description,
        VpcId: vpcId,
        ...tagsAtCreation("security-group", tags),
      }),
    );
    return made.GroupId ?? "";
  } catch (error) {
    if (codeOf(error) !== "InvalidGroup.Duplicate") throw awsError(what, error);
    const Filters = [
      { Name: "group-name", Values: [name] },
      ...(vpcId === undefined ? [] : [{ Name: "vpc-id", Values: [vpcId] }]),
    ];
    const there = await asking(what, () => client.send(new DescribeSecurityGroupsCommand({ Filters })));
    const ours = there.SecurityGroups?.find((group) => sameTags(group.Tags, tags));
    if (ours?.GroupId !== undefined) return ours.GroupId;
    throw new UserError(what, {
      why: `a group of that name, but with other tags, exists already in that VPC (${there.SecurityGroups?.[0]?.GroupId})`,
      fix: "choose another name, or remove it",
      cause: error,
    });
  }
}
