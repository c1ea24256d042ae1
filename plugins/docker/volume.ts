import type Docker from "dockerode";
import { z } from "zod";
import { UserError } from "../../base/errors.js";
import { asking, daemonError, isGone, lookUp, statusOf } from "../../drivers/docker/connect.js";
import { defineResource, type Found, type Known } from "../harness/resource.js";
import { bag, sameSet } from "../harness/values.js";
import { labelList, labelMap, labelsSchema, nonEmpty, ownerText } from "./labels.js";

const schema = z.strictObject({
  name: z.string(),
  /** Default `local`. */
  driver: z.string().optional(),
  driverOpts: z.record(z.string(), z.string()).optional(),
  labels: labelsSchema.optional(),
});

type Inspected = Pick<Docker.VolumeInspectInfo, "Name" | "Driver" | "Mountpoint" | "Labels" | "Options">;

function found(info: Inspected, known?: Known): Found {
  const live = {
    name: info.Name,
    driver: info.Driver,
    driverOpts: nonEmpty(info.Options ?? undefined),
    labels: nonEmpty(labelList(info.Labels)),
  };
  const inputs = Object.fromEntries(
    Object.entries(live).filter(([key, value]) =>
      known && Object.keys(known.inputs).length > 0
        ? known.inputs[key] !== undefined
        : value !== undefined && !(key === "driver" && value === "local"),
    ),
  );
  const meta = known?.inputs.__defaults === undefined ? {} : { __defaults: known.inputs.__defaults };
  return {
    id: info.Name,
    outs: bag({ ...live, mountpoint: info.Mountpoint }),
    inputs: bag({ ...inputs, ...meta }),
  };
}

/** A named volume. Every input is fixed at creation. ID: the volume's name. */
export const volume = defineResource<typeof schema, Docker>({
  token: "docker:index/volume:Volume",
  schema,
  rules: {
    name: { on: "replace" },
    driver: { on: "replace", default: "local" },
    driverOpts: { on: "replace" },
    labels: { on: "replace", agrees: sameSet },
  },
  computed: ["driver", "mountpoint"],
  autoname: "name",
  deleteBeforeReplace: true,

  async create(inputs, ctx) {
    const docker = await ctx.client();
    const what = `volume "${inputs.name}" could not be created`;
    // The daemon answers "created" also for an existing volume, whose data belongs to somebody else.
    const existing = await lookUp(what, () => docker.getVolume(inputs.name).inspect());
    if (existing)
      throw new UserError(what, {
        why: `a volume of that name exists already; ${ownerText(existing.Labels)}`,
        fix: `choose another name, take over the volume with \`pulumi import docker:index/volume:Volume <name> ${inputs.name}\`, or remove it: docker volume rm ${inputs.name}`,
      });
    await asking(what, () =>
      docker.createVolume({
        Name: inputs.name,
        Driver: inputs.driver ?? "local",
        DriverOpts: inputs.driverOpts ?? {},
        Labels: labelMap(inputs.labels),
      }),
    );
    return found(await asking(what, () => docker.getVolume(inputs.name).inspect()));
  },

  async read(id, known, ctx) {
    const docker = await ctx.client();
    const info = await lookUp(`volume "${id}" could not be read`, () => docker.getVolume(id).inspect());
    return info && found(info, known);
  },

  async delete(id, _state, ctx) {
    const docker = await ctx.client();
    const what = `volume "${id}" could not be removed`;
    try {
      await docker.getVolume(id).remove();
    } catch (error) {
      if (isGone(error)) return;
      if (statusOf(error) !== 409) throw daemonError(what, error);
      const users = await docker.listContainers({ all: true, filters: { volume: [id] } }).catch(() => []);
      throw new UserError(what, {
        why: `it is in use by ${users.map((user) => `container ${user.Names[0]?.slice(1) ?? user.Id}`).join(", ") || "a container"}`,
        fix: "remove those containers first, then run it again",
        cause: error,
      });
    }
  },
});
