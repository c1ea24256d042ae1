import { PassThrough } from "node:stream";
import type Docker from "dockerode";
import { describe, expect, it } from "vitest";
import { DockerDriver } from "../../../drivers/docker/driver.js";
import { containerSnapshots, fillHome, saveContainer, undoSave } from "../../../drivers/docker/snapshot.js";
import { LOCAL } from "../../../model/endpoint.js";

const seat = { lab: "l", seat: "s" };
const box = "trilab-l-s-container";
const saved = { container: box, home: "/home/lab", labels: { "trilab.seat": "s", "trilab.lab": "l" } };
const answer = (statusCode: number): Error => Object.assign(new Error(`HTTP ${statusCode}`), { statusCode });

interface Fake {
  state?: object;
  images?: Partial<Docker.ImageInfo>[];
  fails?: Record<string, Error>;
  /** The sizes of each image's layers; absent: the daemon does not tell. */
  layers?: Record<string, number[]>;
}

/** A daemon that notes its calls. */
function daemon({
  fails = {},
  images = [],
  layers = {},
  state = { Running: true, Paused: false },
}: Fake = {}) {
  const calls: string[] = [];
  const call = (name: string, ...args: unknown[]): void => {
    calls.push([name, ...args.map((arg) => (typeof arg === "string" ? arg : JSON.stringify(arg)))].join(" "));
    if (fails[name]) throw fails[name];
  };
  const client = {
    getContainer: (name: string) => ({
      inspect: async () => ({ State: state }),
      pause: async () => call("pause"),
      unpause: async () => call("unpause"),
      commit: async (options: object) => call("commit", options),
      getArchive: async ({ path }: { path: string }) => {
        call("archive", path);
        return new PassThrough().end();
      },
      remove: async () => call("remove", name),
    }),
    createContainer: async (options: { name: string; HostConfig: { Binds: string[] }; Image: string }) => {
      call("create", options.name, options.Image, ...options.HostConfig.Binds);
      return client.getContainer(options.name);
    },
    importImage: async (_: unknown, { repo, tag, changes }: Record<string, string>) => {
      call("import", `${repo}:${tag}`, changes ?? "");
      return new PassThrough().end();
    },
    listImages: async () => images,
    getImage: (id: string) => ({
      inspect: async () => ({ Id: "sha256:1", Size: 1000 }),
      history: async () => {
        if (layers[id] === undefined) throw answer(500);
        return layers[id].map((Size) => ({ Size }));
      },
      remove: async () => call("rmi", id),
    }),
    modem: { followProgress: (_: unknown, done: (error: null, events: unknown[]) => void) => done(null, []) },
  };
  return { calls, client: client as unknown as Docker };
}

describe("saving a container", () => {
  it("pauses it, so that layer and home are of one moment, and lets it go on", async () => {
    const { calls, client } = daemon();
    await saveContainer(client, saved, "before");
    expect(calls).toEqual([
      "pause",
      `commit {"repo":"${box}","tag":"before","pause":false}`,
      "archive /home/lab",
      `import ${box}-home:before LABEL trilab.seat=s\nLABEL trilab.lab=l`,
      "unpause",
    ]);
  });

  it("lets it go on also where the disk is full", async () => {
    const { calls, client } = daemon({ fails: { commit: answer(500) } });
    await expect(saveContainer(client, saved, "before")).rejects.toThrow(/can't be saved/);
    expect(calls.at(-1)).toBe("unpause");
  });

  it("pauses none that is stopped", async () => {
    const { calls, client } = daemon({ state: { Running: false } });
    await saveContainer(client, saved, "before");
    expect(calls.filter((call) => /pause$/.test(call))).toEqual([]);
  });

  it("that was killed is undone: the container goes on, and what was saved is gone", async () => {
    const { calls, client } = daemon({ state: { Running: true, Paused: true }, fails: { rmi: answer(404) } });
    await undoSave(client, box, "before");
    expect(calls).toEqual(["unpause", `rmi ${box}-home:before`, `rmi ${box}:before`]);
  });
});

describe("the snapshots of a container", () => {
  const layer = { Id: "l", ParentId: "base", Size: 1300, Created: 10, RepoTags: [`${box}:before`] };
  const home = { Id: "h", ParentId: "", Size: 200, Created: 11, RepoTags: [`${box}-home:before`] };

  const unpacked = { "sha256:1": [1500], l: [40, 0, 1500], h: [9] };
  it.each([
    ["unpacked", unpacked, 49],
    ["as the daemon reports it where it does not tell that", {}, 500],
    ["in one measure, not in two", { ...unpacked, "sha256:1": [] }, 309],
  ])("have the size of what they add to the image, %s", async (_, layers, bytes) => {
    expect(await containerSnapshots(daemon({ images: [layer, home], layers }).client, seat, box)).toEqual([
      { name: "before", target: "container", at: "1970-01-01T00:00:11.000Z", bytes, memory: false },
    ]);
  });

  it.each([[[layer]], [[home]], [[{ ...layer, RepoTags: null as unknown as undefined }, home]]])(
    "are only those that are complete",
    async (images) => {
      expect(await containerSnapshots(daemon({ images }).client, seat, box)).toEqual([]);
    },
  );
});

it("a volume is filled by a container that never starts, in the place where the image has the home", async () => {
  const { calls, client } = daemon();
  await fillHome(client, { image: "h", volume: "v", path: "/home/lab" }, "filler");
  expect(calls).toEqual(["remove filler", "create filler h v:/lab", "remove filler"]);
});

it("pruning keeps every snapshot, and the image that it needs", async () => {
  const base = (hash: string) => ({ Id: hash, Labels: { "trilab.image": hash } });
  const snapshot = { Id: "s", Labels: { "trilab.image": "old", "trilab.seat": "s" } };
  const { calls, client } = daemon({ images: [base("old"), base("unused"), base("kept"), snapshot] });
  const driver = new DockerDriver(LOCAL.docker);
  Object.assign(driver, { client });
  await driver.pruneImages(new Set(["kept"]));
  expect(calls).toEqual(["rmi unused"]);
});
