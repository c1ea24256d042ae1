import {
  CreateTagsCommand,
  DeleteTagsCommand,
  type EC2Client,
  type ResourceType,
  type Tag,
  type TagSpecification,
} from "@aws-sdk/client-ec2";
import { z } from "zod";
import { asking } from "../../drivers/ec2/errors.js";
import { type Tags, tagMap } from "../../drivers/ec2/tags.js";
import { isObject, same } from "../harness/values.js";

/** Checks AWS's limits before the first request. */
export const tagsSchema = z
  .record(z.string().min(1).max(128), z.string().max(256))
  .refine((tags) => Object.keys(tags).length <= 50, "AWS accepts at most 50 tags")
  .refine(
    (tags) => !Object.keys(tags).some((key) => /^aws:/i.test(key)),
    "names that begin with aws: are reserved for AWS",
  );

/** The tags for the request that makes an object, so that it never exists without them. */
export function tagsAtCreation(
  kinds: ResourceType | readonly ResourceType[],
  tags: Tags | undefined,
): { TagSpecifications?: TagSpecification[] } {
  if (!tags || Object.keys(tags).length === 0) return {};
  const list = typeof kinds === "string" ? [kinds] : kinds;
  return { TagSpecifications: list.map((ResourceType) => ({ ResourceType, Tags: tagList(tags) })) };
}

export const tagList = (tags: Tags): Tag[] => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

/** Whether an object has these tags and no others: then a killed run made it for the same resource. */
export const sameTags = (live: readonly Tag[] | undefined, wanted: Tags = {}): boolean =>
  Object.keys(wanted).length > 0 && same(tagMap(live), wanted);

/** The tags in a state, which has no types. */
export function tagsIn(value: unknown): Tags {
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, String(item)]))
    : {};
}

/** Sets the tags of these objects. Tags that are neither in the state nor in the inputs are not changed. */
export async function changeTags(
  client: EC2Client,
  ids: readonly string[],
  was: Tags,
  wanted: Tags = {},
): Promise<void> {
  if (ids.length === 0) return;
  const what = `the tags of ${ids.join(", ")} could not be changed`;
  const gone = Object.keys(was).filter((key) => !(key in wanted));
  const fresh = Object.fromEntries(Object.entries(wanted).filter(([key, value]) => was[key] !== value));
  const Resources = [...ids];
  if (gone.length > 0)
    await asking(what, () =>
      client.send(new DeleteTagsCommand({ Resources, Tags: gone.map((Key) => ({ Key })) })),
    );
  if (Object.keys(fresh).length > 0)
    await asking(what, () => client.send(new CreateTagsCommand({ Resources, Tags: tagList(fresh) })));
}
