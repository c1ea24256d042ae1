import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { UserError } from "../../base/errors.js";
import { connect } from "../../drivers/drivers.js";
import type { Checkpoint } from "../../engine/index.js";
import { LOCAL } from "../../model/endpoint.js";
import { hasPools, hostRecordFile, readHostRecord } from "../../seats/ensure-host.js";

const checkpoint = (...pools: [name: string, id: string][]): Checkpoint => ({
  resources: pools.map(([name, id]) => ({
    urn: `urn:${name}`,
    type: "libvirt:index/pool:Pool",
    id,
    inputs: { name },
    outputs: {},
  })),
  pendingOperations: [],
  salt: undefined,
});

describe("a host's state has its pools", () => {
  const ours = checkpoint(["disks", "1"], ["images", "2"]);

  it("where they are the same ones, or neither has any", () => {
    expect(
      hasPools(ours, [
        ["disks", "1"],
        ["images", "2"],
      ]),
    ).toBe(true);
    expect(
      hasPools(checkpoint(), [
        ["disks", undefined],
        ["images", undefined],
      ]),
    ).toBe(true);
  });

  it("not where one was removed, made anew, or is somebody else's", () => {
    expect(
      hasPools(ours, [
        ["disks", undefined],
        ["images", undefined],
      ]),
    ).toBe(false);
    expect(
      hasPools(ours, [
        ["disks", "1"],
        ["images", undefined],
      ]),
    ).toBe(false);
    expect(
      hasPools(ours, [
        ["disks", "1"],
        ["images", "3"],
      ]),
    ).toBe(false);
    expect(
      hasPools(checkpoint(["disks", "1"]), [
        ["disks", "1"],
        ["images", "2"],
      ]),
    ).toBe(false);
  });

  it("not where only their volumes are left in it, as after a refresh that failed", () => {
    const [volume] = checkpoint(["disk", "3"]).resources;
    const left = {
      ...checkpoint(),
      resources: volume ? [{ ...volume, type: "libvirt:index/volume:Volume" }] : [],
    };
    const none = [
      ["disks", undefined],
      ["images", undefined],
    ] as const;
    expect(hasPools(left, none)).toBe(false);
    expect(hasPools(checkpoint(), none)).toBe(true);
  });
});

describe("a host's record", () => {
  const libvirt = connect(LOCAL.libvirt);
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "trilab-host-"));
    vi.stubEnv("XDG_STATE_HOME", folder);
    await mkdir(join(folder, "trilab"));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });

  it("names no image where there is none", async () => {
    expect(await readHostRecord(libvirt)).toEqual({ images: [] });
  });

  it("is an error where it can't be read, or is damaged", async () => {
    await writeFile(hostRecordFile(libvirt), '{"images": [');
    await expect(readHostRecord(libvirt)).rejects.toBeInstanceOf(UserError);
    await rm(hostRecordFile(libvirt));
    await mkdir(hostRecordFile(libvirt));
    await expect(readHostRecord(libvirt)).rejects.toMatchObject({ why: expect.stringContaining("EISDIR") });
  });
});
