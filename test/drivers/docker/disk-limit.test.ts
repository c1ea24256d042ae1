import { Readable } from "node:stream";
import type Docker from "dockerode";
import { expect, it } from "vitest";
import { limitsDisk, mayLimitDisk } from "../../../drivers/docker/disk-limit.js";

it.each([
  ["overlay2", "xfs", true],
  ["overlay2", "extfs", false],
  ["overlay2", undefined, false],
  ["btrfs", undefined, true],
  ["vfs", "xfs", false],
])("whether %s on %s is worth a try: %j", (Driver, backing, expected) => {
  const DriverStatus =
    backing === undefined ? null : ([["Backing Filesystem", backing]] as [string, string][]);
  expect(mayLimitDisk({ Driver, DriverStatus })).toBe(expected);
});

/** A daemon on btrfs, and what it answers to a container with a size. */
function daemon(answer?: string) {
  const seen: string[] = [];
  const missing = Object.assign(new Error("no such thing"), { statusCode: 404 });
  /** When each container and image was created, in seconds. */
  const there = { container: new Map<string, number>(), image: new Map<string, number>() };
  const now = Date.now() / 1000;
  const things = (kind: keyof typeof there) => ({
    get: (name: string) => ({
      remove: async () => {
        if (!there[kind].delete(name)) throw missing;
        seen.push(`remove ${kind}`);
      },
    }),
    list: async () => [...there[kind]].map(([Id, Created]) => ({ Id, Created })),
  });
  const client = {
    info: async () => ({ Driver: "btrfs" }),
    importImage: async (_: unknown, { changes, repo }: { changes: string; repo: string }) => {
      expect(changes).toBe("LABEL trilab-tries-layer-size=");
      there.image.set(repo, now);
      return Readable.from([]);
    },
    modem: {
      followProgress: (_: unknown, done: (error: null, events: unknown[]) => void) => done(null, []),
    },
    createContainer: async ({ HostConfig, Image, name = "" }: Docker.ContainerCreateOptions) => {
      seen.push(`create ${JSON.stringify(HostConfig?.StorageOpt)}`);
      if (answer !== undefined) throw new Error(answer);
      expect(name).toBe(Image);
      there.container.set(name, now);
    },
    getContainer: things("container").get,
    getImage: things("image").get,
    listContainers: things("container").list,
    listImages: things("image").list,
  };
  const left = (): string[] => [...there.container.keys(), ...there.image.keys()];
  return { seen, there, left, now, client: client as unknown as Docker };
}
const REFUSAL = "--storage-opt is supported only for overlay over xfs with 'pquota' mount option";

it("is tried with a container that never starts; nothing of it is left", async () => {
  const able = daemon();
  expect(await limitsDisk(able.client)).toBe(true);
  expect(able.seen).toEqual(['create {"size":"1073741824"}', "remove container", "remove image"]);
  const unable = daemon(REFUSAL);
  expect(await limitsDisk(unable.client)).toBe(false);
  expect(unable.left()).toEqual([]);
});

it("what a killed command left behind is removed; what another command tries now stays", async () => {
  const { client, left, now, there } = daemon();
  for (const kind of ["container", "image"] as const) there[kind].set("old", now - 7200).set("new", now - 60);
  expect(await limitsDisk(client)).toBe(true);
  expect(left()).toEqual(["new", "new"]);
});

it("two commands at once do not touch what the other one makes", async () => {
  const { client, left, seen } = daemon();
  expect(await Promise.all([limitsDisk(client), limitsDisk(client)])).toEqual([true, true]);
  expect(seen.filter((call) => call === "remove container")).toHaveLength(2);
  expect(left()).toEqual([]);
});

it("another failure is not taken for a refusal", async () => {
  const full = daemon("no space left on device");
  await expect(limitsDisk(full.client)).rejects.toThrow("no space left");
  expect(full.left()).toEqual([]);
});
