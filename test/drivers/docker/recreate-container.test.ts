import type Docker from "dockerode";
import { describe, expect, it } from "vitest";
import {
  definitionFrom,
  definitionOf,
  recreateContainer,
} from "../../../drivers/docker/recreate-container.js";

const at = { network: "box", address: "10.213.0.2" };
const info = {
  Name: "/box",
  Config: { Image: "trilab/machine:1", Cmd: ["run"], Labels: { a: "b" }, Hostname: "box" },
  HostConfig: { Memory: 512, PidsLimit: 256, Binds: ["box-home:/home/lab:rw"] },
  Mounts: [
    { Type: "volume", Name: "box-home" },
    { Type: "bind", Source: "/etc" },
  ],
} as unknown as Docker.ContainerInspectInfo;
const volume = {
  Name: "box-home",
  Driver: "local",
  Labels: { a: "b" },
  Options: null,
} as unknown as Docker.VolumeInspectInfo;
const answer = (statusCode: number): Error => Object.assign(new Error(`HTTP ${statusCode}`), { statusCode });

/** A daemon that notes its calls, and fails some: each time, or as often as is said. */
function daemon(fails: Record<string, Error> = {}, times = Number.POSITIVE_INFINITY) {
  const calls: unknown[][] = [];
  const call = (name: string, ...args: unknown[]): void => {
    calls.push([name, ...args]);
    const failed = calls.filter(([other]) => other === name).length <= times;
    if (fails[name] && failed) throw fails[name];
  };
  const client = {
    getContainer: (name: string) => ({
      inspect: async () => {
        call("inspect", name);
        return info;
      },
      remove: async (options: object) => call("remove", name, options),
    }),
    getVolume: (name: string) => ({
      inspect: async () => volume,
      remove: async () => call("remove volume", name),
    }),
    createVolume: async (options: object) => call("create volume", options),
    createContainer: async (options: object) => {
      call("create", options);
      return { id: "new" };
    },
  };
  return { calls, client: client as unknown as Docker };
}

describe("what a container is made from", () => {
  it("is its configuration with its present limits, its volumes, and its fixed address", async () => {
    expect(await definitionOf(daemon().client, "box", at)).toEqual({
      container: {
        ...info.Config,
        name: "box",
        HostConfig: info.HostConfig,
        NetworkingConfig: { EndpointsConfig: { box: { IPAMConfig: { IPv4Address: "10.213.0.2" } } } },
      },
      volumes: [{ Name: "box-home", Driver: "local", Labels: { a: "b" }, DriverOpts: {} }],
    });
  });

  it("is nothing where there is no container; a daemon's other errors are errors", async () => {
    expect(await definitionOf(daemon({ inspect: answer(404) }).client, "box", at)).toBeUndefined();
    await expect(definitionOf(daemon({ inspect: answer(500) }).client, "box", at)).rejects.toThrow(
      /container "box" can't be read/,
    );
  });

  it("survives being stored", () => {
    const definition = definitionFrom(info, [volume], at);
    expect(JSON.parse(JSON.stringify(definition))).toEqual(definition);
  });
});

describe("making a container anew", () => {
  const definition = definitionFrom(info, [volume], at);

  it("removes it and its volumes before it makes them, from the image given", async () => {
    const { calls, client } = daemon();
    expect(await recreateContainer(client, definition, { image: "trilab/machine:2" })).toBe("new");
    expect(calls).toEqual([
      ["remove", "box", { force: true, v: false }],
      ["remove volume", "box-home"],
      ["create volume", definition.volumes[0]],
      ["create", { ...definition.container, Image: "trilab/machine:2" }],
    ]);
  });

  it("goes on where an interrupted one has removed them, or still does", async () => {
    const gone = daemon({ remove: answer(404), "remove volume": answer(404) });
    expect(await recreateContainer(gone.client, definition, { image: "i" })).toBe("new");
    const removing = daemon({ remove: answer(409) }, 2);
    expect(await recreateContainer(removing.client, definition, { image: "i" })).toBe("new");
    expect(removing.calls.filter(([name]) => name === "remove")).toHaveLength(3);
  });

  it("ends at a volume that something else uses", async () => {
    const { calls, client } = daemon({ "remove volume": answer(409) });
    await expect(recreateContainer(client, definition, { image: "i" })).rejects.toThrow(
      /could not be made anew/,
    );
    expect(calls.map(([name]) => name)).not.toContain("create");
  });
});
