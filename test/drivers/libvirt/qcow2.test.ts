import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readQcow2Header } from "../../../drivers/libvirt/qcow2.js";

const dir = await mkdtemp(join(tmpdir(), "trilab-qcow2-"));
afterAll(() => rm(dir, { recursive: true, force: true }));

interface Fields {
  version?: number;
  backing?: string;
  features?: bigint;
  crypt?: number;
}

/** A qcow2 header as QEMU writes it. */
async function file({ backing = "/base", crypt = 0, features = 0n, version = 3 }: Fields): Promise<string> {
  const header = Buffer.alloc(512);
  header.write("QFI\xfb", 0, "latin1");
  header.writeUInt32BE(version, 4);
  if (backing !== "") {
    header.writeBigUInt64BE(200n, 8);
    header.writeUInt32BE(backing.length, 16);
    header.write(backing, 200);
  }
  header.writeBigUInt64BE(4n * 2n ** 30n, 24);
  header.writeUInt32BE(crypt, 32);
  header.writeBigUInt64BE(features, 72);
  const path = join(dir, "disk.qcow2");
  await writeFile(path, header);
  return path;
}

describe("the header of a disk", () => {
  it("says what it is an overlay of, and its size", async () => {
    expect(await readQcow2Header(await file({}))).toEqual({
      backing: "/base",
      capacity: 4 * 2 ** 30,
      isPlain: true,
    });
    expect(await readQcow2Header(await file({ backing: "" }))).toMatchObject({ backing: undefined });
    // It was copied while QEMU had it open.
    expect(await readQcow2Header(await file({ features: 1n }))).toMatchObject({ isPlain: true });
  });

  it.each([
    ["its data are in another file", { features: 4n }],
    ["it is encrypted", { crypt: 2 }],
    ["it is of a version to come", { version: 4 }],
  ])("is not plain where %s", async (_, fields) => {
    expect(await readQcow2Header(await file(fields))).toMatchObject({ isPlain: false });
  });

  it.each(["", "no disk", "x".repeat(600)])("is none in another file", async (text) => {
    const path = join(dir, "other");
    await writeFile(path, text);
    expect(await readQcow2Header(path)).toBeUndefined();
  });
});
