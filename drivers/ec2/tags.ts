import type { Tag } from "@aws-sdk/client-ec2";

export type Tags = Record<string, string>;

/** The SDK's tags as names and values, without AWS's own. */
export function tagMap(tags: readonly Tag[] | undefined): Tags {
  return Object.fromEntries(
    (tags ?? [])
      .map(({ Key = "", Value = "" }) => [Key, Value] as const)
      .filter(([key]) => !/^aws:/.test(key)),
  );
}
