import type Docker from "dockerode";
import { UserError } from "../../base/errors.js";
import { asking, daemonError, lookUp, statusOf } from "../../drivers/docker/connect.js";
import { defineResource, HalfMade, type Known } from "../harness/resource.js";
import { bag, type PropertyMap } from "../harness/values.js";
import { containerProblems } from "./container-problems.js";
import { containerRules } from "./container-rules.js";
import { type Ended, remove, run } from "./container-run.js";
import { type ContainerInputs, containerSchema } from "./container-schema.js";
import { createOptions, endpoint, resources } from "./container-spec.js";
import { computedOutputs, stateOf } from "./container-state.js";
import { ownerText } from "./labels.js";
import { ensureImage } from "./remote-image.js";

/** A container. ID: the daemon's. Memory, CPU and restart inputs can change while it runs; most others replace it. */
export const container = defineResource<typeof containerSchema, Docker>({
  token: "docker:index/container:Container",
  schema: containerSchema,
  rules: containerRules,
  computed: computedOutputs,
  autoname: "name",
  deleteBeforeReplace: true,
  validate: containerProblems,

  async create(inputs, ctx) {
    const docker = await ctx.client();
    const image = await ensureImage(docker, inputs.image, undefined, ctx.signal);
    const made = await createStopped(docker, inputs);
    const known: Known = { inputs: bag(inputs), state: {} };
    // A container that removes itself at its end can't be inspected afterwards.
    let last: Docker.ContainerInspectInfo | undefined;
    try {
      last = await made.inspect();
      const ended = inputs.start === false ? undefined : await run(docker, made, inputs, ctx.signal);
      last = (await lookUp(`container "${inputs.name}" could not be read`, () => made.inspect())) ?? last;
      const { id, outs } = stateOf(last, known, image);
      return { id, outs: { ...outs, ...endOf(ended) } };
    } catch (error) {
      await undo(made, inputs, known, last, error);
      throw daemonError(`container "${inputs.name}" could not be created`, error);
    }
  },

  async read(id, known, ctx) {
    const docker = await ctx.client();
    const what = `container "${known.state.name ?? id}" could not be read`;
    const info = await lookUp(what, () => docker.getContainer(id).inspect());
    if (!info) return undefined;
    // The image's settings must not look like inputs of an imported container.
    const image = await lookUp(what, () => docker.getImage(info.Image).inspect());
    return stateOf(info, known, image);
  },

  async update(id, inputs, old, ctx) {
    const docker = await ctx.client();
    const target = docker.getContainer(id);
    const what = `container "${inputs.name}" could not be changed`;
    const change = resources(inputs);
    // The daemon had derived the swap limit from the old memory limit, and may refuse the new one without a new swap limit.
    if (change.Memory !== undefined && change.MemorySwap === undefined) change.MemorySwap = change.Memory * 2;
    await asking(what, () => target.update(change));
    const info = await asking(what, () => target.inspect());
    const image = await lookUp(what, () => docker.getImage(info.Image).inspect());
    const shouldRun = inputs.start !== false && inputs.mustRun !== false;
    const known: Known = { inputs: bag(inputs), state: old.state };
    if (shouldRun && !info.State.Running) {
      try {
        await run(docker, target, { ...inputs, attach: false }, ctx.signal);
      } catch (error) {
        // The limits have been changed, so the state must contain them.
        throw new HalfMade(stateOf(await target.inspect(), known, image), daemonError(what, error));
      }
    }
    return stateOf(await asking(what, () => target.inspect()), known, image).outs;
  },

  async delete(id, state, ctx) {
    const docker = await ctx.client();
    const what = `container "${state.name ?? id}" could not be removed`;
    await remove(
      docker.getContainer(id),
      what,
      Number(state.destroyGraceSeconds ?? 0),
      state.removeVolumes !== false,
    );
  },
});

/** Makes the container and connects it to all its networks, but does not start it. @throws UserError; then nothing is left of it. */
async function createStopped(docker: Docker, inputs: ContainerInputs): Promise<Docker.Container> {
  const what = `container "${inputs.name}" could not be created`;
  let made: Docker.Container;
  try {
    made = await docker.createContainer(createOptions(inputs));
  } catch (error) {
    if (statusOf(error) === 409) throw await nameTaken(docker, inputs.name, what, error);
    throw daemonError(what, error);
  }
  try {
    for (const network of inputs.networksAdvanced?.slice(1) ?? [])
      await docker
        .getNetwork(network.name)
        .connect({ Container: made.id, EndpointConfig: endpoint(network) });
    return made;
  } catch (error) {
    await undo(made, inputs, { inputs: bag(inputs), state: {} }, undefined, error);
    throw daemonError(
      what,
      error,
      "check that each network of networksAdvanced exists, and that the address is free in it",
    );
  }
}

/** Removes a failed container. If that fails, too, reports the container to the engine, which then keeps it in its state. */
async function undo(
  made: Docker.Container,
  inputs: ContainerInputs,
  known: Known,
  last: Docker.ContainerInspectInfo | undefined,
  error: unknown,
): Promise<void> {
  const what = `container "${inputs.name}" could not be removed after its failure`;
  await remove(made, what, 0, true).catch(() => {
    const outs = last ? stateOf(last, known).outs : known.inputs;
    throw new HalfMade(
      { id: made.id, outs },
      daemonError(`container "${inputs.name}" failed and is still there`, error),
    );
  });
}

async function nameTaken(docker: Docker, name: string, what: string, cause: unknown): Promise<UserError> {
  const holder = await lookUp(what, () => docker.getContainer(name).inspect());
  return new UserError(what, {
    why: `a container of that name exists already${holder ? ` (${holder.Id.slice(0, 12)}); ${ownerText(holder.Config.Labels)}` : ""}`,
    fix: `choose another name, take it over with \`pulumi import docker:index/container:Container <name> ${holder?.Id.slice(0, 12) ?? "<id>"}\`, or remove it: docker rm -f ${name}`,
    cause,
  });
}

function endOf(ended: Ended | undefined): PropertyMap {
  if (!ended) return {};
  return { exitCode: ended.exitCode, ...(ended.logs === undefined ? {} : { containerLogs: ended.logs }) };
}
