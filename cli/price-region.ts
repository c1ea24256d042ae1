import { UserError } from "../base/errors.js";

/** The region to use for prices when none is configured. A default is fine here, because an estimate rents nothing. */
export const DEFAULT_REGION = "us-east-1";

/** The region for an estimate. @param given The lab's or the command line's; absent: the configured one. */
export async function priceRegion(given: string | undefined): Promise<string> {
  const { awsRegion } = await import("../drivers/ec2/credentials.js");
  return awsRegion(given).catch((error: unknown) => {
    if (error instanceof UserError) return DEFAULT_REGION;
    throw error;
  });
}
