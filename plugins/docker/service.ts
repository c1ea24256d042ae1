import type Docker from "dockerode";
import { UserError } from "../../base/errors.js";
import { pollUntil } from "../../base/poll.js";
import { asking, daemonError, isGone, lookUp, statusOf } from "../../drivers/docker/connect.js";
import { defineResource, type Found, type Known } from "../harness/resource.js";
import { bag, isObject, type PropertyMap, same, sameSet } from "../harness/values.js";
import { durationSchema, nanoseconds } from "./container-schema.js";
import { ownerText } from "./labels.js";
import { serviceSchema } from "./service-schema.js";
import { inputsOf, serviceSpec } from "./service-spec.js";

/** How long the containers of a removed service may take to end, in milliseconds. Those of a lost node do not end. */
const END_MS = 15_000;

/** Lists in which the order counts. */
const ORDERED = ["commands", "args"];

const isDuration = (text: unknown): text is string => durationSchema.safeParse(text).success;

/** Whether a service has what was asked for. What the daemon has added does not count. */
function holds(has: unknown, wants: unknown, key = ""): boolean {
  if (wants === undefined || wants === null || same(has, wants)) return true;
  if (Array.isArray(wants)) {
    if (wants.length === 0) return has === undefined || (Array.isArray(has) && has.length === 0);
    if (!Array.isArray(has) || has.length !== wants.length) return false;
    if (ORDERED.includes(key)) return false;
    if (key.startsWith("cap")) return sameSet(has.map(capability), wants.map(capability));
    return wants.every((want) => has.some((item) => holds(item, want)));
  }
  if (isObject(wants))
    return Object.keys(wants).every((each) =>
      holds(isObject(has) ? has[each] : undefined, wants[each], each),
    );
  // "90s" equals "1m30s".
  if (isDuration(wants)) return isDuration(has) && nanoseconds(has) === nanoseconds(wants);
  if (key === "image" && typeof has === "string") return has.replace(/@sha256:.*$/, "") === wants;
  return has === undefined && (wants === false || wants === 0 || wants === "");
}

const capability = (name: unknown): string => `CAP_${String(name).toUpperCase().replace(/^CAP_/, "")}`;

/** The service as the SDK's outputs: a property that was set stays as it was written while the service has it. */
function found(info: Docker.Service, known: Known): Found {
  const live = bag(inputsOf(info.Spec as Docker.ServiceSpec));
  const { __defaults, ...asked } = known.inputs;
  if (Object.keys(asked).length === 0) return { id: info.ID, outs: live, inputs: live };
  const outs: PropertyMap = { ...live };
  const inputs: PropertyMap = { ...known.inputs };
  for (const [key, value] of Object.entries(asked)) {
    if (holds(live[key], value, key)) outs[key] = value;
    else inputs[key] = live[key];
  }
  return { id: info.ID, outs, inputs };
}

/** A service of a Swarm. ID: the Swarm's. Every change but that of its name is made in place, with new containers. */
export const service = defineResource<typeof serviceSchema, Docker>({
  token: "docker:index/service:Service",
  schema: serviceSchema,
  rules: {
    name: { on: "replace" },
    labels: { on: "update", agrees: sameSet },
    mode: { on: "update", agrees: holds },
    endpointSpec: { on: "update", agrees: holds },
    taskSpec: { on: "update", agrees: holds },
  },
  computed: ["endpointSpec", "labels", "mode"],
  autoname: "name",
  deleteBeforeReplace: true,

  async create(inputs, ctx) {
    const docker = await ctx.client();
    const what = `service "${inputs.name}" could not be created`;
    try {
      const made = await docker.createService(serviceSpec(inputs));
      const known = { inputs: bag(inputs), state: {} };
      // As the official provider, which waits for its containers only if it is told to.
      return found((await docker.getService(made.id).inspect()) as Docker.Service, known);
    } catch (error) {
      if (statusOf(error) === 409) throw await nameTaken(docker, inputs.name, what, error);
      throw daemonError(
        what,
        error,
        "the daemon must be a manager of a Swarm (docker node ls), and the network one of the Swarm",
      );
    }
  },

  async read(id, known, ctx) {
    const docker = await ctx.client();
    const info = await lookUp(`service ${id} could not be read`, () => docker.getService(id).inspect());
    return info && found(info as Docker.Service, known);
  },

  async update(id, inputs, _old, ctx) {
    const docker = await ctx.client();
    const what = `service "${inputs.name}" could not be changed`;
    const target = docker.getService(id);
    const before = (await asking(what, () => target.inspect())) as Docker.Service;
    await asking(what, () =>
      target.update({ _query: { version: before.Version?.Index }, _body: serviceSpec(inputs) }),
    );
    const after = (await asking(what, () => target.inspect())) as Docker.Service;
    return found(after, { inputs: bag(inputs), state: {} }).outs;
  },

  async delete(id, state, ctx) {
    const docker = await ctx.client();
    const what = `service "${state.name ?? id}" could not be removed`;
    const running = async (): Promise<{ ServiceID: string; Status: { State: string } }[]> =>
      (await docker.listTasks()).filter(
        (task) => task.ServiceID === id && ["running", "starting", "preparing"].includes(task.Status.State),
      );
    try {
      await docker.getService(id).remove();
    } catch (error) {
      if (isGone(error)) return;
      throw daemonError(what, error);
    }
    // Until then, its network and its volumes are in use.
    const ended = async (): Promise<boolean> => (await asking(what, running)).length === 0;
    await pollUntil(ended, { limitMs: END_MS, everyMs: 200, signal: ctx.signal });
  },
});

async function nameTaken(docker: Docker, name: string, what: string, cause: unknown): Promise<UserError> {
  const holder = (await lookUp(what, () => docker.getService(name).inspect())) as Docker.Service | undefined;
  return new UserError(what, {
    why: `a service of that name exists already${holder ? `; ${ownerText(holder.Spec?.Labels)}` : ""}`,
    fix: `choose another name, take it over with \`pulumi import docker:index/service:Service <name> ${holder?.ID ?? "<id>"}\`, or remove it: docker service rm ${name}`,
    cause,
  });
}
