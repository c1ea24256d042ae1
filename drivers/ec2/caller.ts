import { paginateDescribeSecurityGroups } from "@aws-sdk/client-ec2";
import { z } from "zod";
import { connect } from "./client.js";
import { asking } from "./errors.js";

/** The caller, as a region of AWS sees it. */
export interface Caller {
  /** The credentials' account; `undefined` if it has no network in the region, from which it could be read. */
  account: string | undefined;
  /** How many seconds this machine's clock is ahead of AWS's; negative: behind. */
  clockAhead: number;
}

const answerSchema = z.object({ headers: z.object({ date: z.string() }) });

/** Queries a region for the caller. @throws UserError with AWS's reason. */
export async function caller(region: string): Promise<Caller> {
  const client = connect({ region });
  let clockAhead = 0;
  // The SDK corrects for a wrong clock silently, and only from five minutes on.
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const date = Date.parse(answerSchema.safeParse(result.response).data?.headers.date ?? "");
      if (!Number.isNaN(date)) clockAhead = (Date.now() - date) / 1000;
      return result;
    },
    { step: "deserialize", name: "noteDate" },
  );
  // Every network has a security group of this name, and those of other accounts are not listed.
  const Filters = [{ Name: "group-name", Values: ["default"] }];
  return asking(`${region} could not be asked for the account`, async () => {
    for await (const { SecurityGroups = [] } of paginateDescribeSecurityGroups({ client }, { Filters }))
      for (const { OwnerId: account } of SecurityGroups) if (account) return { account, clockAhead };
    return { account: undefined, clockAhead };
  });
}
