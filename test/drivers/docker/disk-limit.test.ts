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
  const there = new Set<string>();
  const remove = (what: string) => async () => {
    if (!there.delete(what)) throw missing;
    seen.push(`remove the ${what}`);
  };
  const client = {
    info: async () => ({ Driver: "btrfs" }),
    importImage: async () => {
      there.add("image");
      return Readable.from([]);
    },
    modem: {
      followProgress: (_: unknown, done: (error: null, events: unknown[]) => void) => done(null, []),
    },
    createContainer: async ({ HostConfig, Image, name }: Docker.ContainerCreateOptions) => {
      seen.push(`create ${JSON.stringify(HostConfig?.StorageOpt)}`);
      if (answer !== undefined) throw new Error(answer);
      expect(name).toBe(Image);
      there.add("container");
    },
    getContainer: () => ({ remove: remove("container") }),
    getImage: () => ({ remove: remove("image") }),
  };
  return { seen, there, client: client as unknown as Docker };
}
const REFUSAL = "--storage-opt is supported only for overlay over xfs with 'pquota' mount option";

it("is tried with a container that never starts; nothing of it is left", async () => {
  const able = daemon();
  expect(await limitsDisk(able.client)).toBe(true);
  expect(able.seen).toEqual(['create {"size":"1073741824"}', "remove the container", "remove the image"]);
  const unable = daemon(REFUSAL);
  expect(await limitsDisk(unable.client)).toBe(false);
  expect([...unable.there]).toEqual([]);
});

it("what a killed command left behind is removed first", async () => {
  const left = daemon();
  left.there.add("image").add("container");
  await limitsDisk(left.client);
  expect(left.seen.slice(0, 2)).toEqual(["remove the container", "remove the image"]);
});

it("another failure is not taken for a refusal", async () => {
  const full = daemon("no space left on device");
  await expect(limitsDisk(full.client)).rejects.toThrow("no space left");
  expect([...full.there]).toEqual([]);
});
