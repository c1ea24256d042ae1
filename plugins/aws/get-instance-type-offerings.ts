import { type EC2Client, paginateDescribeInstanceTypeOfferings } from "@aws-sdk/client-ec2";
import { z } from "zod";
import { asking } from "../../drivers/ec2/errors.js";
import { defineDataSource } from "../harness/data-source.js";
import { bag } from "../harness/values.js";
import { filterList, filtersSchema } from "./filters.js";

const schema = z.strictObject({
  filters: filtersSchema.optional(),
  /** The kind of location. Default: region. */
  locationType: z.enum(["region", "availability-zone", "availability-zone-id"]).optional(),
});

/** Which instance types are offered where: three lists, with one offering at each index. */
export const getInstanceTypeOfferings = defineDataSource<typeof schema, EC2Client>({
  token: "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings",
  schema,

  async look(args, ctx) {
    const client = await ctx.client();
    const request = { Filters: filterList(args.filters), LocationType: args.locationType ?? "region" };
    const offerings = await asking("instance type offerings could not be looked for", async () => {
      const all = [];
      for await (const page of paginateDescribeInstanceTypeOfferings({ client }, request))
        all.push(...(page.InstanceTypeOfferings ?? []));
      return all;
    });
    const region = await client.config.region();
    return bag({
      ...args,
      id: region,
      region,
      instanceTypes: offerings.map((item) => item.InstanceType ?? ""),
      locations: offerings.map((item) => item.Location ?? ""),
      locationTypes: offerings.map((item) => item.LocationType ?? ""),
    });
  },
});
