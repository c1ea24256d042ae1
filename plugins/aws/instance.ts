import {
  type EC2Client,
  type Instance,
  ModifyInstanceAttributeCommand,
  ModifyInstanceMetadataOptionsCommand,
} from "@aws-sdk/client-ec2";
import { asking } from "../../drivers/ec2/errors.js";
import { describe, running, terminate } from "../../drivers/ec2/instance.js";
import { diff } from "../harness/diff.js";
import { type AnyResource, type Context, defineResource, type Known } from "../harness/resource.js";
import { bag, isObject, type PropertyMap, sameSet } from "../harness/values.js";
import { finish } from "./finish.js";
import { metadataRequest } from "./instance-request.js";
import { launch, leftover, tagInterfaces } from "./instance-run.js";
import { type InstanceInputs, instanceProblems, instanceRules, instanceSchema } from "./instance-schema.js";
import { computedOutputs, groupIds, interfaceIds, readInstance, volumeIds } from "./instance-state.js";
import { blockAgrees } from "./state.js";
import { changeTags, tagsIn } from "./tags.js";

/** A rented machine. ID: AWS's (i-…). Tags, firewall, metadata and shutdown behaviour change in place. */
export const instance: AnyResource<EC2Client> = defineResource<typeof instanceSchema, EC2Client>({
  token: "aws:ec2/instance:Instance",
  schema: instanceSchema,
  rules: instanceRules,
  computed: computedOutputs,
  // An instance that a killed run left is recognised by its firewall, so it must have exactly one.
  deleteBeforeReplace: true,
  validate: instanceProblems,

  async create(inputs, ctx) {
    const client = await ctx.client();
    const known: Known = { inputs: bag(inputs), state: {} };
    const made = (await adopt(client, inputs, ctx)) ?? (await launch(client, ctx.urn, inputs));
    const id = made.InstanceId ?? "";
    // Without the signal, which may be the cause of the failure: this waits for the end in any case.
    const undo = () => terminate(client, id, new AbortController().signal);
    return finish({ id, outs: known.inputs }, undo, async () => {
      const up = await running(client, id, ctx.signal);
      await tagInterfaces(client, up, inputs.tags);
      // Emulators also add the VPC's default group, which would allow more than the inputs do.
      await setGroups(client, id, groupIds(up), inputs.vpcSecurityGroupIds);
      return (await readInstance(client, id, known)) ?? { id, outs: known.inputs };
    });
  },

  read: async (id, known, ctx) => readInstance(await ctx.client(), id, known),

  async update(id, inputs, old, ctx) {
    const client = await ctx.client();
    await change(client, id, inputs, old.state);
    return (await readInstance(client, id, { inputs: bag(inputs), state: old.state }))?.outs ?? old.state;
  },

  delete: async (id, _state, ctx) => terminate(await ctx.client(), id, ctx.signal),
});

/** The instance that a killed run made for this resource: adopted if it is as requested, else terminated. */
async function adopt(
  client: EC2Client,
  inputs: InstanceInputs,
  ctx: Context<EC2Client>,
): Promise<Instance | undefined> {
  const left = await leftover(client, ctx.urn, inputs);
  if (!left?.InstanceId) return undefined;
  const known: Known = { inputs: bag(inputs), state: {} };
  const there = await readInstance(client, left.InstanceId, known);
  // An instance that is starting has no address yet.
  const changes =
    there && diff(instance, there.outs, known.inputs, known.inputs, ["associatePublicIpAddress"]);
  if (!there || [...(changes?.values() ?? [])].some(({ replace }) => replace)) {
    await terminate(client, left.InstanceId, ctx.signal);
    return undefined;
  }
  await change(client, left.InstanceId, inputs, there.outs);
  return left;
}

const modify = (client: EC2Client, InstanceId: string, attribute: object) =>
  asking(`instance ${InstanceId} could not be changed`, () =>
    client.send(new ModifyInstanceAttributeCommand({ InstanceId, ...attribute })),
  );

async function setGroups(client: EC2Client, id: string, was: unknown, wanted?: string[]): Promise<void> {
  if (wanted && !sameSet(was, wanted)) await modify(client, id, { Groups: wanted });
}

/** Changes in place what differs from the outputs, `was`. */
async function change(
  client: EC2Client,
  id: string,
  inputs: InstanceInputs,
  was: PropertyMap,
): Promise<void> {
  await setGroups(client, id, was.vpcSecurityGroupIds, inputs.vpcSecurityGroupIds);
  const behavior = inputs.instanceInitiatedShutdownBehavior ?? "stop";
  if (behavior !== was.instanceInitiatedShutdownBehavior)
    await modify(client, id, { Attribute: "instanceInitiatedShutdownBehavior", Value: behavior });
  const { metadataOptions: metadata } = inputs;
  if (metadata && !blockAgrees(was.metadataOptions, metadata))
    await asking(`instance ${id} could not be changed`, () =>
      client.send(new ModifyInstanceMetadataOptionsCommand({ InstanceId: id, ...metadataRequest(metadata) })),
    );
  const there = (await describe(client, id))?.instance;
  if (!there) return;
  await changeTags(client, [id, ...interfaceIds(there)], tagsIn(was.tags), inputs.tags);
  const root = isObject(was.rootBlockDevice) ? was.rootBlockDevice : {};
  // The state has volume tags only if there was an input for them; then removing the input removes the tags.
  const volumeTags = inputs.volumeTags ?? inputs.rootBlockDevice?.tags ?? (was.volumeTags && {});
  if (volumeTags)
    await changeTags(client, volumeIds(there), tagsIn(was.volumeTags ?? root.tags), tagsIn(volumeTags));
}
