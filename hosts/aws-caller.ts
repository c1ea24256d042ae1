import { paginateDescribeSecurityGroups } from "@aws-sdk/client-ec2";
import { connect } from "../plugins/aws/client.js";
import { asking } from "../plugins/aws/errors.js";

/**
 * The AWS account that the credentials in use are of; `undefined` where it has no network in the region to tell it by.
 *
 * @throws UserError with AWS's reason.
 */
export async function callerAccount(region: string): Promise<string | undefined> {
  const client = connect({ region });
  // Every network has one of this name, and no other account's are shown: they can't be shared.
  const Filters = [{ Name: "group-name", Values: ["default"] }];
  return asking(`${region} could not be asked for the account`, async () => {
    for await (const { SecurityGroups = [] } of paginateDescribeSecurityGroups({ client }, { Filters }))
      for (const { OwnerId } of SecurityGroups) if (OwnerId) return OwnerId;
    return undefined;
  });
}
