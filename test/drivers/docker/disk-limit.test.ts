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

/** A daemon on btrfs that takes a size, or refuses it. */
function daemon(takes: boolean) {
  const seen: string[] = [];
  const id = `sha256:${"a".repeat(64)}`;
  const client = {
    info: async () => ({ Driver: "btrfs" }),
    importImage: async () => Readable.from([]),
    modem: {
      followProgress: (_: unknown, done: (error: null, events: unknown[]) => void) =>
        done(null, [{ status: id }]),
    },
    createContainer: async ({ HostConfig, Image }: Docker.ContainerCreateOptions) => {
      seen.push(`create ${Image === id} ${JSON.stringify(HostConfig?.StorageOpt)}`);
      if (!takes)
        throw new Error("--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
      return { remove: async () => seen.push("remove") };
    },
    getImage: () => ({ remove: async () => seen.push("remove the image") }),
  };
  return { seen, client: client as unknown as Docker };
}

it("is tried with a container that never starts; nothing of it is left", async () => {
  const able = daemon(true);
  expect(await limitsDisk(able.client)).toBe(true);
  expect(able.seen).toEqual(['create true {"size":"1073741824"}', "remove", "remove the image"]);
  const unable = daemon(false);
  expect(await limitsDisk(unable.client)).toBe(false);
  expect(unable.seen.at(-1)).toBe("remove the image");
});
