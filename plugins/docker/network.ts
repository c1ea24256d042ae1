import type Docker from "dockerode";
import { z } from "zod";
import { UserError } from "../../base/errors.js";
import { asking, daemonError, isGone, lookUp, statusOf } from "../../drivers/docker/connect.js";
import { defineResource, type Found, type Known } from "../harness/resource.js";
import { bag, isObject, same, sameSet } from "../harness/values.js";
import { labelList, labelMap, labelsSchema, nonEmpty, ownerText } from "./labels.js";

const schema = z.strictObject({
  name: z.string(),
  /** Default `bridge`. */
  driver: z.string().optional(),
  internal: z.boolean().optional(),
  attachable: z.boolean().optional(),
  /** SDK 5.2.0 no longer has it. It has no effect: names are always checked. */
  checkDuplicate: z.boolean().optional(),
  ipv6: z.boolean().optional(),
  ipamConfigs: z
    .array(
      z.strictObject({
        subnet: z.string().optional(),
        gateway: z.string().optional(),
        ipRange: z.string().optional(),
      }),
    )
    .optional(),
  options: z.record(z.string(), z.string()).optional(),
  labels: labelsSchema.optional(),
});

/** Each subnet agrees with its input. The daemon adds a gateway if the input has none. */
function subnetsAgree(has: unknown, wants: unknown): boolean {
  if (!Array.isArray(has) || !Array.isArray(wants) || has.length !== wants.length) return false;
  return wants.every((want) =>
    has.some(
      (item) =>
        isObject(item) && isObject(want) && Object.keys(want).every((key) => same(item[key], want[key])),
    ),
  );
}

/** The options in the input agree; some daemons add their own (com.docker.network.enable_ipv4, …). */
function optionsAgree(has: unknown, wants: unknown): boolean {
  return isObject(has) && isObject(wants) && Object.keys(wants).every((key) => same(has[key], wants[key]));
}

function found(info: Docker.NetworkInspectInfo, known?: Known): Found {
  const live = {
    name: info.Name,
    driver: info.Driver,
    internal: info.Internal,
    attachable: info.Attachable,
    ipv6: info.EnableIPv6,
    options: nonEmpty(info.Options ?? undefined),
    labels: nonEmpty(labelList(info.Labels)),
    ipamConfigs: (info.IPAM?.Config ?? []).map((config) => ({
      subnet: config.Subnet || undefined,
      gateway: config.Gateway || undefined,
      ipRange: config.IPRange || undefined,
    })),
  };
  // A network can't be changed after it was made, so its inputs stay as they were written.
  const imported = !known || Object.keys(known.inputs).length === 0;
  const inputs = imported
    ? Object.fromEntries(
        Object.entries(live).filter(
          ([key, value]) => value !== undefined && value !== (key === "driver" ? "bridge" : false),
        ),
      )
    : known.inputs;
  const { __defaults: _meta, ...asked } = imported ? {} : known.inputs;
  return {
    id: info.Id,
    // With the driver for the official plugin, which would replace a network whose state does not contain the default.
    outs: {
      ...bag({ ...live, scope: info.Scope, ipamDriver: info.IPAM?.Driver ?? "default" }),
      ...asked,
      ipamConfigs: bag(live).ipamConfigs,
    },
    inputs: bag(inputs),
  };
}

/** A network. Every input is fixed at creation. ID: the daemon's. */
export const network = defineResource<typeof schema, Docker>({
  token: "docker:index/network:Network",
  schema,
  rules: {
    name: { on: "replace" },
    driver: { on: "replace", default: "bridge" },
    internal: { on: "replace", default: false },
    attachable: { on: "replace", default: false },
    checkDuplicate: { on: "update" },
    ipv6: { on: "replace", default: false },
    ipamConfigs: { on: "replace", agrees: subnetsAgree },
    options: { on: "replace", agrees: optionsAgree },
    labels: { on: "replace", agrees: sameSet },
  },
  computed: ["driver", "internal", "ipamConfigs", "options", "scope"],
  autoname: "name",
  deleteBeforeReplace: true,

  async create(inputs, ctx) {
    const docker = await ctx.client();
    const what = `network "${inputs.name}" could not be created`;
    const subnets = inputs.ipamConfigs?.map((config) => ({
      ...(config.subnet === undefined ? {} : { Subnet: config.subnet }),
      ...(config.gateway === undefined ? {} : { Gateway: config.gateway }),
      ...(config.ipRange === undefined ? {} : { IPRange: config.ipRange }),
    }));
    try {
      const made = await docker.createNetwork({
        Name: inputs.name,
        Driver: inputs.driver ?? "bridge",
        CheckDuplicate: true,
        Internal: inputs.internal ?? false,
        Attachable: inputs.attachable ?? false,
        EnableIPv6: inputs.ipv6 ?? false,
        Options: inputs.options ?? {},
        Labels: labelMap(inputs.labels),
        ...(subnets ? { IPAM: { Driver: "default", Config: subnets } } : {}),
      });
      const known = { inputs: bag(inputs), state: {} };
      return found(await docker.getNetwork(made.id).inspect(), known);
    } catch (error) {
      if (statusOf(error) === 409) throw await nameTaken(docker, inputs.name, what, error);
      throw daemonError(
        what,
        error,
        "choose a free subnet (docker network ls, docker network inspect) and valid options",
      );
    }
  },

  async read(id, known, ctx) {
    const docker = await ctx.client();
    const info = await lookUp(`network ${id} could not be read`, () => docker.getNetwork(id).inspect());
    return info && found(info, known);
  },

  async delete(id, state, ctx) {
    const docker = await ctx.client();
    const what = `network "${state.name ?? id}" could not be removed`;
    const target = docker.getNetwork(id);
    try {
      await target.remove();
    } catch (error) {
      if (isGone(error)) return;
      // 403: "has active endpoints".
      if (statusOf(error) !== 403) throw daemonError(what, error);
      await cutDeadEndpoints(docker, target, what);
      await target.remove().catch((again: unknown) => {
        if (!isGone(again)) throw daemonError(what, again);
      });
    }
  },
});

async function nameTaken(docker: Docker, name: string, what: string, cause: unknown): Promise<UserError> {
  const holder = await lookUp(what, () => docker.getNetwork(name).inspect());
  return new UserError(what, {
    why: `a network of that name exists already${holder ? `; ${ownerText(holder.Labels)}` : ""}`,
    fix: `choose another name, take it over with \`pulumi import docker:index/network:Network <name> ${holder?.Id ?? "<id>"}\`, or remove it: docker network rm ${name}`,
    cause,
  });
}

/**
 * Disconnects endpoints of containers that no longer run. A daemon that was killed can leave them.
 *
 * @throws UserError when a running container uses the network.
 */
async function cutDeadEndpoints(docker: Docker, network: Docker.Network, what: string): Promise<void> {
  const info = await asking(what, () => network.inspect());
  const endpoints = Object.entries(
    (info as { Containers?: Record<string, { Name?: string }> }).Containers ?? {},
  );
  const alive: string[] = [];
  for (const [id, { Name }] of endpoints) {
    const user = await lookUp(what, () => docker.getContainer(id).inspect());
    if (user?.State.Running) alive.push(user.Name.slice(1));
    // A dead endpoint has no container, only a name of its own.
    else await asking(what, () => network.disconnect({ Container: Name ?? id, Force: true }));
  }
  if (alive.length > 0)
    throw new UserError(what, {
      why: `running containers still use it: ${alive.join(", ")}`,
      fix: `remove them or disconnect them (docker network disconnect <network> ${alive[0]}), then run it again`,
    });
}
