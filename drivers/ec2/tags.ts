import type { Tag } from "@aws-sdk/client-ec2";

export type Tags = Record<string, string>;

/** What the SDK gives, as names and values; AWS's own are left out. */
export function tagMap(tags: readonly Tag[] | undefined): Tags {
  return Object.fromEntries(
    (tags ?? [])
      .map(({ Key = "", Value = "" }) => [Key, Value] as const)
      .filter(([key]) => !/^aws:/.test(key)),
  );
}
