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

/** A daemon with the base; keeps what was loaded. */
function daemon(source: string) {
  let loaded: Buffer | undefined;
  const client = {
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
