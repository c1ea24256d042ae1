import { CreateTagsCommand } from "@aws-sdk/client-ec2";
import type { SeatId } from "../../model/naming.js";
import { connect } from "./client.js";
import { asking } from "./errors.js";
import { awsThings } from "./inventory.js";

/**
 * Sets a seat's expiry in the tags of all its things in AWS. A reaper on another machine knows only these tags.
 *
 * @param expires ISO 8601 or `never`.
 * @throws UserError with AWS's reason.
 */
export async function tagExpiry(
  id: SeatId & { owner: string },
  region: string,
  expires: string,
): Promise<void> {
  const ours = (await awsThings(region, id))
    .map(({ found }) => found)
    .filter(({ owner }) => owner === id.owner);
  if (ours.length === 0) return;
  const request = {
    Resources: ours.map((found) => found.id),
    Tags: [{ Key: "trilab.expires", Value: expires }],
  };
  await asking(`the tags of seat "${id.seat}" in ${region} could not be changed`, () =>
    connect({ region }).send(new CreateTagsCommand(request)),
  );
}
