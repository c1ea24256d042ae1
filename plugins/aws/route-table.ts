import {
  CreateRouteCommand,
  CreateRouteTableCommand,
  DeleteRouteCommand,
  DeleteRouteTableCommand,
  DescribeRouteTablesCommand,
  type EC2Client,
  type Route as LiveRoute,
} from "@aws-sdk/client-ec2";
import { z } from "zod";
import { arnOf } from "../../drivers/ec2/client.js";
import { asking, isGone, lookUp } from "../../drivers/ec2/errors.js";
import { tagMap } from "../../drivers/ec2/tags.js";
import { remove, soon } from "../../drivers/ec2/wait.js";
import { defineResource, type Found, type Known, type PropertyRule } from "../harness/resource.js";
import { bag, sameSet } from "../harness/values.js";
import { finish } from "./finish.js";
import { found } from "./state.js";
import { changeTags, tagsAtCreation, tagsIn, tagsSchema } from "./tags.js";

const routeSchema = z.strictObject({
  cidrBlock: z.string().optional(),
  ipv6CidrBlock: z.string().optional(),
  /** An internet gateway (igw-…). */
  gatewayId: z.string(),
});
type Route = z.output<typeof routeSchema>;

const schema = z.strictObject({
  vpcId: z.string(),
  /** The routes in addition to the VPC's own. If it is not set, routes are not changed. */
  routes: z
    .array(
      routeSchema.refine(
        (route) => (route.cidrBlock === undefined) !== (route.ipv6CidrBlock === undefined),
        "a route has either cidrBlock or ipv6CidrBlock",
      ),
    )
    .optional(),
  tags: tagsSchema.optional(),
});

const rules = {
  vpcId: { on: "replace" },
  routes: { on: "update", agrees: sameSet },
  tags: { on: "update" },
} satisfies Record<keyof z.output<typeof schema>, PropertyRule>;

async function describe(client: EC2Client, id: string) {
  const answer = await lookUp(`route table ${id} could not be read`, () =>
    client.send(new DescribeRouteTablesCommand({ RouteTableIds: [id] })),
  );
  return answer?.RouteTables?.[0];
}

async function readTable(client: EC2Client, id: string, known: Known): Promise<Found | undefined> {
  const table = await describe(client, id);
  if (!table) return undefined;
  const live = {
    vpcId: table.VpcId,
    routes: routesOf(table.Routes),
    tags: tagMap(table.Tags),
    tagsAll: tagMap(table.Tags),
    arn: await arnOf(client, table.OwnerId, "route-table", id),
    ownerId: table.OwnerId,
  };
  return found(id, live, known, rules);
}

/** The routes that were added; AWS adds the VPC's own range itself. */
function routesOf(routes: readonly LiveRoute[] | undefined): Route[] {
  return (routes ?? [])
    .filter((route) => route.Origin === "CreateRoute" && route.GatewayId !== "local")
    .map((route) => ({
      ...(route.DestinationCidrBlock ? { cidrBlock: route.DestinationCidrBlock } : {}),
      ...(route.DestinationIpv6CidrBlock ? { ipv6CidrBlock: route.DestinationIpv6CidrBlock } : {}),
      gatewayId: route.GatewayId ?? "",
    }));
}

const destination = (route: Route) =>
  route.cidrBlock === undefined
    ? { DestinationIpv6CidrBlock: route.ipv6CidrBlock }
    : { DestinationCidrBlock: route.cidrBlock };

/** Removes routes that are not wanted, then adds those that are missing. */
async function changeRoutes(
  client: EC2Client,
  id: string,
  wanted: readonly Route[],
  signal: AbortSignal,
): Promise<void> {
  const what = `the routes of ${id} could not be changed`;
  const live = routesOf((await describe(client, id))?.Routes);
  const key = (route: Route): string =>
    JSON.stringify([route.cidrBlock, route.ipv6CidrBlock, route.gatewayId]);
  const [has, wants] = [new Set(live.map(key)), new Set(wanted.map(key))];
  for (const route of live.filter((item) => !wants.has(key(item))))
    await asking(what, () =>
      client.send(new DeleteRouteCommand({ RouteTableId: id, ...destination(route) })).catch((error) => {
        if (!isGone(error)) throw error;
      }),
    );
  for (const route of wanted.filter((item) => !has.has(key(item))))
    await soon(what, signal, () =>
      client.send(
        new CreateRouteCommand({ RouteTableId: id, ...destination(route), GatewayId: route.gatewayId }),
      ),
    );
}

/** A route table with its routes inline. ID: AWS's (rtb-…). */
export const routeTable = defineResource<typeof schema, EC2Client>({
  token: "aws:ec2/routeTable:RouteTable",
  schema,
  rules,
  computed: ["arn", "ownerId", "routes", "tagsAll"],
  deleteBeforeReplace: false,

  async create(inputs, ctx) {
    const client = await ctx.client();
    const answer = await asking(`a route table in ${inputs.vpcId} could not be created`, () =>
      client.send(
        new CreateRouteTableCommand({ VpcId: inputs.vpcId, ...tagsAtCreation("route-table", inputs.tags) }),
      ),
    );
    const id = answer.RouteTable?.RouteTableId ?? "";
    const known = { inputs: bag(inputs), state: {} };
    const undo = async () => {
      await client.send(new DeleteRouteTableCommand({ RouteTableId: id }));
    };
    return finish({ id, outs: known.inputs }, undo, async () => {
      if (inputs.routes) await changeRoutes(client, id, inputs.routes, ctx.signal);
      return (await readTable(client, id, known)) ?? { id, outs: known.inputs };
    });
  },

  read: async (id, known, ctx) => readTable(await ctx.client(), id, known),

  async update(id, inputs, old, ctx) {
    const client = await ctx.client();
    if (inputs.routes || old.inputs.routes) await changeRoutes(client, id, inputs.routes ?? [], ctx.signal);
    await changeTags(client, [id], tagsIn(old.state.tags), inputs.tags);
    return (await readTable(client, id, { inputs: bag(inputs), state: old.state }))?.outs ?? old.state;
  },

  async delete(id, _state, ctx) {
    const client = await ctx.client();
    await remove(client, ctx.signal, {
      what: `route table ${id} could not be removed`,
      call: () => client.send(new DeleteRouteTableCommand({ RouteTableId: id })),
    });
  },
});
