import { paginateDescribeInstanceTypeOfferings } from "@aws-sdk/client-ec2";
import { connect } from "./client.js";
import { asking } from "./errors.js";

/** The availability zones of a region that offer an instance type, by name. @throws UserError with AWS's reason. */
export async function zonesOffering(type: string, region: string): Promise<string[]> {
  const request = {
    LocationType: "availability-zone" as const,
    Filters: [{ Name: "instance-type", Values: [type] }],
  };
  return asking(`the zones of ${region} that offer ${type} could not be queried`, async () => {
    const zones: string[] = [];
    for await (const page of paginateDescribeInstanceTypeOfferings({ client: connect({ region }) }, request))
      zones.push(...(page.InstanceTypeOfferings ?? []).flatMap(({ Location }) => Location ?? []));
    return zones.sort();
  });
}
