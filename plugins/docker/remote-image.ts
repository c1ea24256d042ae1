import type Docker from "dockerode";
import { z } from "zod";
import { UserError } from "../../base/errors.js";
import { asking, daemonError, daemonSays, isGone, lookUp, statusOf } from "../../drivers/docker/connect.js";
import { defineResource, type Found, type Known } from "../harness/resource.js";
import { bag, sameSet } from "../harness/values.js";

const schema = z.strictObject({
  /** `repository[:tag]`, `repository@sha256:…` or an image's ID. */
  name: z.string().min(1),
  /** Whether to leave the image on the host at destroy. Default false. */
  keepLocally: z.boolean().optional(),
  /** Whether to remove the image also if a stopped container uses it. Default false. */
  forceRemove: z.boolean().optional(),
  /** If one of these changes, the image is searched again. */
  pullTriggers: z.array(z.string()).optional(),
  /** `linux/amd64`; used for pulling. */
  platform: z.string().optional(),
});

/** An image: the local one if there is one, else a pulled one. ID, as in the official provider: image ID + name. */
export const remoteImage = defineResource<typeof schema, Docker>({
  token: "docker:index/remoteImage:RemoteImage",
  schema,
  rules: {
    name: { on: "replace" },
    keepLocally: { on: "update", default: false },
    forceRemove: { on: "update", default: false },
    pullTriggers: { on: "replace", agrees: sameSet },
    platform: { on: "replace" },
  },
  computed: ["imageId", "repoDigest"],
  // The new one is made first: both may share layers, which then need not be downloaded again.
  deleteBeforeReplace: false,

  async create(inputs, ctx) {
    const docker = await ctx.client();
    const image = await ensureImage(docker, inputs.name, inputs.platform, ctx.signal);
    return found(image, inputs.name, { inputs: bag(inputs), state: {} });
  },

  async read(id, known, ctx) {
    const docker = await ctx.client();
    const [, wanted, named] = /^(sha256:[0-9a-f]{64})(.*)$/.exec(id) ?? [undefined, undefined, id];
    const name = known.state.name ?? known.inputs.name ?? (named || id);
    const image = await lookUp(`image "${name}" could not be read`, () =>
      docker.getImage(String(name)).inspect(),
    );
    // The name now belongs to another image. The one in the state is gone, and `up` searches the name again.
    if (!image || (wanted !== undefined && image.Id !== wanted)) return undefined;
    return found(image, String(name), known);
  },

  async delete(_id, state, ctx) {
    if (state.keepLocally === true) return;
    const docker = await ctx.client();
    const what = `image "${state.name}" could not be removed`;
    try {
      await docker.getImage(String(state.name)).remove({ force: state.forceRemove === true });
    } catch (error) {
      if (isGone(error)) return;
      if (statusOf(error) !== 409) throw daemonError(what, error);
      throw new UserError(what, {
        why: daemonSays(error),
        fix: "remove the containers that use it, or set keepLocally: true to leave the image on the host",
        cause: error,
      });
    }
  },
});

function found(image: Docker.ImageInspectInfo, name: string, known: Known): Found {
  const inputs = Object.keys(known.inputs).length > 0 ? known.inputs : { name };
  const repository = name.replace(/@.*$/, "").replace(/:[^:/]*$/, "");
  const digest = image.RepoDigests?.find((item) => item.startsWith(`${repository}@`)) ?? "";
  return {
    id: `${image.Id}${name}`,
    outs: { ...inputs, name, imageId: image.Id, repoDigest: digest },
    inputs,
  };
}

/**
 * The local image of that name, else the pulled one.
 *
 * @throws UserError when it is not local and can't be pulled, or the run is cancelled.
 */
export async function ensureImage(
  docker: Docker,
  name: string,
  platform: string | undefined,
  signal: AbortSignal,
): Promise<Docker.ImageInspectInfo> {
  const local = await lookUp(`image "${name}" could not be looked up`, () => docker.getImage(name).inspect());
  if (local) return local;
  try {
    // Without a tag, the daemon would pull all tags.
    const reference = /(@|:[^/]*$)/.test(name) ? name : `${name}:latest`;
    const stream = await docker.pull(reference, {
      abortSignal: signal,
      ...(platform === undefined ? {} : { platform }),
    });
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(stream, (error: Error | null) => (error ? reject(error) : resolve()));
    });
  } catch (error) {
    signal.throwIfAborted();
    if (statusOf(error) === undefined && error instanceof Error && "code" in error)
      throw daemonError(`image "${name}" could not be pulled`, error);
    throw new UserError(`image "${name}" is not on the Docker host and could not be pulled`, {
      why: daemonSays(error),
      fix: `load it (docker load, docker import), build it, or give the host access to its registry, then run it again`,
      cause: error,
    });
  }
  return asking(`image "${name}" could not be read after the pull`, () => docker.getImage(name).inspect());
}
