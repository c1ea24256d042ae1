import {
  CreateTagsCommand,
  DeleteTagsCommand,
  DescribeTagsCommand,
  type EC2Client,
} from "@aws-sdk/client-ec2";
import { z } from "zod";
import { UserError } from "../../base/errors.js";
import { asking } from "../../drivers/ec2/errors.js";
import { remove, soon } from "../../drivers/ec2/wait.js";
import { defineResource, type PropertyRule } from "../harness/resource.js";
import { bag } from "../harness/values.js";
import { found } from "./state.js";

const schema = z.strictObject({
  /** The ID of the tagged object: any resource of EC2. */
  resourceId: z.string(),
  key: z.string().min(1).max(128),
  value: z.string().max(256),
});
type Inputs = z.output<typeof schema>;

const rules = {
  resourceId: { on: "replace" },
  key: { on: "replace" },
  value: { on: "update" },
} satisfies Record<keyof Inputs, PropertyRule>;

/** Splits at the first comma: AWS's IDs have none, but a key may. */
function partsOf(id: string): { resourceId: string; key: string } {
  const comma = id.indexOf(",");
  if (comma > 0) return { resourceId: id.slice(0, comma), key: id.slice(comma + 1) };
  throw new UserError(`"${id}" is not the ID of a tag`, { fix: "give it as RESOURCE,KEY: eni-1,Name" });
}

function put(client: EC2Client, { resourceId, key, value }: Inputs, signal: AbortSignal): Promise<unknown> {
  const request = { Resources: [resourceId], Tags: [{ Key: key, Value: value }] };
  return soon(`${resourceId} could not be tagged`, signal, () => client.send(new CreateTagsCommand(request)));
}

/** One tag of an object that another resource or AWS itself has made. ID, as in the official provider: `RESOURCE,KEY`. */
export const tag = defineResource<typeof schema, EC2Client>({
  token: "aws:ec2/tag:Tag",
  schema,
  rules,
  computed: [],
  deleteBeforeReplace: true,

  async create(inputs, ctx) {
    await put(await ctx.client(), inputs, ctx.signal);
    return { id: `${inputs.resourceId},${inputs.key}`, outs: bag(inputs) };
  },

  async read(id, known, ctx) {
    const client = await ctx.client();
    const { resourceId, key } = partsOf(id);
    const Filters = [
      { Name: "resource-id", Values: [resourceId] },
      { Name: "key", Values: [key] },
    ];
    const answer = await asking(`the tags of ${resourceId} could not be read`, () =>
      client.send(new DescribeTagsCommand({ Filters })),
    );
    const there = answer.Tags?.[0];
    return there && found(id, { resourceId, key, value: there.Value }, known, rules);
  },

  async update(_id, inputs, _old, ctx) {
    await put(await ctx.client(), inputs, ctx.signal);
    return bag(inputs);
  },

  async delete(id, _state, ctx) {
    const client = await ctx.client();
    const { resourceId, key } = partsOf(id);
    await remove(client, ctx.signal, {
      what: `the tag ${key} of ${resourceId} could not be removed`,
      call: () => client.send(new DeleteTagsCommand({ Resources: [resourceId], Tags: [{ Key: key }] })),
    });
  },
});
