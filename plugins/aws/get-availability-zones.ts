import { DescribeAvailabilityZonesCommand, type EC2Client } from "@aws-sdk/client-ec2";
import { z } from "zod";
import { asking } from "../../drivers/ec2/errors.js";
import { defineDataSource } from "../harness/data-source.js";
import { bag } from "../harness/values.js";
import { filterList, filtersSchema } from "./filters.js";

const schema = z.strictObject({
  /** Only zones in this state. Default: any. */
  state: z.enum(["available", "information", "impaired", "unavailable", "constrained"]).optional(),
  filters: filtersSchema.optional(),
  excludeNames: z.array(z.string()).optional(),
  excludeZoneIds: z.array(z.string()).optional(),
  /** Also zones for which the account has not opted in. Default false. */
  allAvailabilityZones: z.boolean().optional(),
});

/** The region's zones, by name. */
export const getAvailabilityZones = defineDataSource<typeof schema, EC2Client>({
  token: "aws:index/getAvailabilityZones:getAvailabilityZones",
  schema,

  async look(args, ctx) {
    const client = await ctx.client();
    const Filters = filterList([
      ...(args.filters ?? []),
      ...(args.state === undefined ? [] : [{ name: "state", values: [args.state] }]),
    ]);
    const answer = await asking("the availability zones could not be looked for", () =>
      client.send(
        new DescribeAvailabilityZonesCommand({
          Filters,
          AllAvailabilityZones: args.allAvailabilityZones ?? false,
        }),
      ),
    );
    const zones = (answer.AvailabilityZones ?? [])
      .filter((zone) => !args.excludeNames?.includes(zone.ZoneName ?? ""))
      .filter((zone) => !args.excludeZoneIds?.includes(zone.ZoneId ?? ""))
      .sort((a, b) => ((a.ZoneName ?? "") < (b.ZoneName ?? "") ? -1 : 1));
    const region = await client.config.region();
    return bag({
      ...args,
      id: region,
      region,
      names: zones.map((zone) => zone.ZoneName ?? ""),
      zoneIds: zones.map((zone) => zone.ZoneId ?? ""),
      groupNames: [...new Set(zones.map((zone) => zone.GroupName ?? ""))],
    });
  },
});
