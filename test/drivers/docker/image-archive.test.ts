import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import type Docker from "dockerode";
import { afterAll, describe, expect, it } from "vitest";
import { fileInTar, readTar, writeTar } from "../../../base/tar-file.js";
import { loadImage, writeImage } from "../../../drivers/docker/image-archive.js";

const dir = await mkdtemp(join(tmpdir(), "trilab-archive-"));
afterAll(() => rm(dir, { recursive: true, force: true }));

/** What `docker save` writes: a base layer, one above it, and a description that names its owner. */
async function saved(layers = ["sha256:base", "sha256:upper"]): Promise<string> {
  const config = {
    config: { Labels: { "trilab.seat": "alice" }, Cmd: ["run"] },
    rootfs: { diff_ids: layers },
  };
  const manifest = [
    { Config: "c.json", RepoTags: ["trilab/machine:poisoned"], Layers: ["a/layer.tar", "b/layer.tar"] },
  ];
  const file = join(dir, "saved.tar");
  const text = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  await writeTar(file, [
    { name: "a/layer.tar", content: Buffer.alloc(5000, "a") },
    { name: "b/layer.tar", content: Buffer.alloc(5000, "b") },
    { name: "c.json", content: text(config) },
    { name: "manifest.json", content: text(manifest) },
    { name: "repositories", content: text({ "trilab/machine": { poisoned: "b" } }) },
  ]);
  return file;
}

/** What a daemon with containerd's image store says of that store, and what it saves of its base. */
const CONTAINERD = [["driver-type", "io.containerd.snapshotter.v1"]];
async function savedBase(diffId = "sha256:base"): Promise<string> {
  const file = join(dir, "base.tar");
  const text = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  await writeTar(file, [
    { name: "blobs/sha256/1", content: Buffer.from("another image's") },
    { name: "blobs/sha256/2", content: Buffer.from("compressed by this daemon") },
    { name: "blobs/sha256/3", content: text({ rootfs: { diff_ids: [diffId] } }) },
    { name: "manifest.json", content: text([{ Config: "blobs/sha256/3", Layers: ["blobs/sha256/2"] }]) },
  ]);
  return file;
}

/** A daemon with the base; keeps what was loaded. */
function daemon(source: string, status: string[][] | null = [["Backing Filesystem", "extfs"]]) {
  let loaded: Buffer | undefined;
  const client = {
    info: async () => ({ Driver: "any", DriverStatus: status }),
    getImage: () => ({
      get: async () => createReadStream(source),
      inspect: async () => ({ RootFS: { Layers: ["sha256:base"] } }),
    }),
    loadImage: async (stream: NodeJS.ReadableStream) => {
      loaded = await buffer(stream);
      return new PassThrough().end();
    },
    modem: { followProgress: (_: unknown, done: (error: null, events: unknown[]) => void) => done(null, []) },
  };
  return { client: client as unknown as Docker, loaded: () => loaded };
}

async function namesIn(file: string): Promise<string[]> {
  const names: string[] = [];
  await readTar(file, async (name) => void names.push(name));
  return names;
}

describe("an image as a file", () => {
  const written = join(dir, "written.tar");

  it("has no layer of its base, and no name", async () => {
    await writeImage(daemon(await saved()).client, "i", "base", written);
    const names = await namesIn(written);
    expect(names).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.json$/), "manifest.json", "b/layer.tar"]);
    const config = await fileInTar(written, names[0] ?? "");
    expect(names[0]).toBe(
      `${createHash("sha256")
        .update(config ?? "")
        .digest("hex")}.json`,
    );
    const [manifest] = JSON.parse(String(await fileInTar(written, "manifest.json")));
    expect(manifest).toEqual({ Config: names[0], RepoTags: null, Layers: ["a/layer.tar", "b/layer.tar"] });
    expect((await readdir(dir)).sort()).toEqual(["saved.tar", "written.tar"]);
  });

  it("is loaded under the name and the labels that are given, whatever it says itself", async () => {
    const { client, loaded } = daemon(written);
    await loadImage(client, await saved(), { base: "base", labels: { "trilab.seat": "bob" }, tag: "bob:x" });
    const file = join(dir, "loaded.tar");
    await writeFile(file, loaded() ?? "");
    const names = await namesIn(file);
    expect(names).toEqual([expect.stringMatching(/\.json$/), "manifest.json", "b/layer.tar"]);
    expect(JSON.parse(String(await fileInTar(file, "manifest.json")))).toMatchObject([
      { RepoTags: ["bob:x"] },
    ]);
    expect(JSON.parse(String(await fileInTar(file, names[0] ?? "")))).toMatchObject({
      config: { Labels: { "trilab.seat": "bob" }, Cmd: ["run"] },
    });
    await rm(file);
  });

  it.each([
    ["a graph driver", [["Backing Filesystem", "extfs"]]],
    ["a graph driver that says nothing", null],
  ])("leaves out the base's layers where the daemon stores images with %s", async (_, status) => {
    const { client, loaded } = daemon(await savedBase(), status);
    await loadImage(client, await saved(), { base: "base", labels: {}, tag: "t" });
    const file = join(dir, "loaded.tar");
    await writeFile(file, loaded() ?? "");
    expect(await namesIn(file)).not.toContain("a/layer.tar");
    const [{ Layers }] = JSON.parse(String(await fileInTar(file, "manifest.json")));
    expect(Layers).toEqual(["a/layer.tar", "b/layer.tar"]);
    await rm(file);
  });

  it("is loaded with all of its layers into containerd's store, the base's taken from the daemon", async () => {
    await writeImage(daemon(await saved()).client, "i", "base", written);
    const { client, loaded } = daemon(await savedBase(), CONTAINERD);
    await loadImage(client, written, { base: "base", labels: {}, tag: "t" });
    const file = join(dir, "loaded.tar");
    await writeFile(file, loaded() ?? "");
    const [{ Config, Layers }] = JSON.parse(String(await fileInTar(file, "manifest.json")));
    // As containerd does: each name that is listed is looked up in the archive.
    const contents = [];
    for (const layer of Layers) contents.push(String(await fileInTar(file, layer)));
    expect(contents).toEqual(["compressed by this daemon", "b".repeat(5000)]);
    expect((await namesIn(file)).sort()).toEqual([Config, "manifest.json", ...Layers].sort());
    const { rootfs } = JSON.parse(String(await fileInTar(file, Config)));
    expect(rootfs.diff_ids).toEqual(["sha256:base", "sha256:upper"]);
    await rm(file);
    expect((await readdir(dir)).sort()).toEqual(["base.tar", "saved.tar", "written.tar"]);
  });

  it("is loaded into containerd's store without asking for a base that it does not have", async () => {
    const { client, loaded } = daemon(join(dir, "no such file"), CONTAINERD);
    await loadImage(client, await saved(), { base: undefined, labels: {}, tag: "t" });
    const file = join(dir, "loaded.tar");
    await writeFile(file, loaded() ?? "");
    expect(await namesIn(file)).toEqual(expect.arrayContaining(["a/layer.tar", "b/layer.tar"]));
    await rm(file);
  });

  it("is refused where the daemon saves another base than it describes", async () => {
    const { client, loaded } = daemon(await savedBase("sha256:x"), CONTAINERD);
    await expect(loadImage(client, await saved(), { base: "base", labels: {}, tag: "t" })).rejects.toThrow(
      /not made from the image base/,
    );
    expect(loaded()).toBeUndefined();
    expect((await readdir(dir)).filter((name) => /ours|saved\.tar\./.test(name))).toEqual([]);
  });

  it("is refused where it was made from another base", async () => {
    const { client, loaded } = daemon(written);
    const options = { base: "base", labels: {}, tag: "t" };
    await expect(loadImage(client, await saved(["sha256:x", "sha256:upper"]), options)).rejects.toThrow(
      /not made from the image base/,
    );
    await expect(loadImage(client, await saved(["sha256:base"]), options)).rejects.toThrow(/is damaged/);
    expect(loaded()).toBeUndefined();
  });
});
