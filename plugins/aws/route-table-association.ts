import {
  AssociateRouteTableCommand,
  DescribeRouteTablesCommand,
  DisassociateRouteTableCommand,
  type EC2Client,
  type Filter,
  type RouteTableAssociation,
} from "@aws-sdk/client-ec2";
import { z } from "zod";
import { awsError, codeOf, lookUp } from "../../drivers/ec2/errors.js";
import { remove } from "../../drivers/ec2/wait.js";
import { defineResource, type PropertyRule } from "../harness/resource.js";
import { bag } from "../harness/values.js";
import { found } from "./state.js";

const schema = z.strictObject({ routeTableId: z.string(), subnetId: z.string() });

const rules = {
  routeTableId: { on: "replace" },
  subnetId: { on: "replace" },
} satisfies Record<keyof z.output<typeof schema>, PropertyRule>;

async function association(
  client: EC2Client,
  what: string,
  Filters: Filter[],
  wanted: (item: RouteTableAssociation) => boolean,
): Promise<RouteTableAssociation | undefined> {
  const answer = await lookUp(what, () => client.send(new DescribeRouteTablesCommand({ Filters })));
  return answer?.RouteTables?.flatMap((table) => table.Associations ?? []).find(wanted);
}

/** The route table of a subnet. ID: AWS's (rtbassoc-…). */
export const routeTableAssociation = defineResource<typeof schema, EC2Client>({
  token: "aws:ec2/routeTableAssociation:RouteTableAssociation",
  schema,
  rules,
  computed: [],
  // A subnet has only one route table.
  deleteBeforeReplace: true,

  async create({ routeTableId, subnetId }, ctx) {
    const client = await ctx.client();
    const outs = bag({ routeTableId, subnetId });
    try {
      const answer = await client.send(
        new AssociateRouteTableCommand({ RouteTableId: routeTableId, SubnetId: subnetId }),
      );
      return { id: answer.AssociationId ?? "", outs };
    } catch (error) {
      const what = `subnet ${subnetId} could not be associated with ${routeTableId}`;
      if (codeOf(error) !== "Resource.AlreadyAssociated") throw awsError(what, error);
      const Filters = [{ Name: "association.subnet-id", Values: [subnetId] }];
      const there = await association(client, what, Filters, (item) => item.SubnetId === subnetId);
      // It already has this route table, so a killed run did it.
      if (there?.RouteTableId !== routeTableId) throw awsError(what, error);
      return { id: there.RouteTableAssociationId ?? "", outs };
    }
  },

  async read(id, known, ctx) {
    const client = await ctx.client();
    const Filters = [{ Name: "association.route-table-association-id", Values: [id] }];
    const there = await association(
      client,
      `route table association ${id} could not be read`,
      Filters,
      (item) => item.RouteTableAssociationId === id,
    );
    if (!there) return undefined;
    const live = { routeTableId: there.RouteTableId, subnetId: there.SubnetId };
    return found(id, live, known, rules);
  },

  async delete(id, _state, ctx) {
    const client = await ctx.client();
    await remove(client, ctx.signal, {
      what: `route table association ${id} could not be removed`,
      call: () => client.send(new DisassociateRouteTableCommand({ AssociationId: id })),
    });
  },
});
