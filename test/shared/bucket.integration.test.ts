import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { ExitCode } from "../../base/errors.js";
import { type Bucket, openBucket } from "../../shared/bucket.js";
import { parseStateUrl } from "../../shared/state-url.js";
import { type Moto, makeBucket, startMoto } from "../support/moto.js";

let moto: Moto;
let bucket: Bucket;
const place = (name: string): string => `s3://${name}/class?region=eu-central-1&endpoint=${moto.endpoint}`;
const open = (name: string): Promise<Bucket> => openBucket(parseStateUrl(place(name)));

beforeAll(async () => {
  moto = await startMoto();
  for (const [name, value] of Object.entries(moto.env)) vi.stubEnv(name, value);
  await makeBucket(moto, "lessons");
  bucket = await open("lessons");
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await moto?.stop();
});

const text = (word: string): Buffer => Buffer.from(word);

test("an object is written only as long as nobody else has written it", async () => {
  const first = await bucket.put("a", text("1"), undefined);
  expect(first).toBeDefined();
  expect(await bucket.put("a", text("2"), undefined)).toBeUndefined();
  const second = await bucket.put("a", text("2"), first);
  expect(second).not.toBe(first);
  expect(await bucket.put("a", text("3"), first)).toBeUndefined();
  expect(await bucket.get("a")).toEqual({ body: text("2"), etag: second });
  expect(await bucket.remove("a", first ?? "")).toBe(false);
  expect(await bucket.remove("a", second ?? "")).toBe(true);
  expect(await bucket.get("a")).toBeUndefined();
  expect(await bucket.put("a", text("4"), second)).toBeUndefined();
  expect(await bucket.remove("a", second ?? "")).toBe(true);
});

test("a write whose answer was lost counts when it is repeated", async () => {
  const etag = await bucket.put("b", text("same"), undefined);
  expect(await bucket.put("b", text("same"), undefined)).toBe(etag);
});

test("of many who create it, one does", async () => {
  const made = await Promise.all(
    Array.from({ length: 20 }, (_, i) => bucket.put("c", text(`${i}`), undefined)),
  );
  expect(made.filter((etag) => etag !== undefined).length).toBe(1);
});

test("lists more than a page, without the objects of others", async () => {
  await (await openBucket(parseStateUrl(place("lessons").replace("/class", "/other")))).put(
    "list/x",
    text(""),
    undefined,
  );
  const names = Array.from({ length: 1010 }, (_, i) => `list/${i}`);
  for (let at = 0; at < names.length; at += 50)
    await Promise.all(names.slice(at, at + 50).map((name) => bucket.put(name, text(name), undefined)));
  const found = await bucket.list("list/");
  expect([...found.keys()].sort()).toEqual([...names].sort());
  expect(found.get("list/7")).toBe((await bucket.get("list/7"))?.etag);
});

test("a bucket that is missing, or does not answer, is said to be so", async () => {
  await expect((await open("no-such-bucket")).list("")).rejects.toMatchObject({
    message: 'there is no bucket "no-such-bucket"',
    exitCode: ExitCode.hostNotReady,
  });
  const silent = await openBucket(
    parseStateUrl("s3://lessons/class?region=eu-central-1&endpoint=http://127.0.0.1:1"),
  );
  await expect(silent.get("a")).rejects.toMatchObject({
    message: "the shared state s3://lessons/class/ can't be looked at",
    why: expect.stringContaining("http://127.0.0.1:1"),
    exitCode: ExitCode.hostNotReady,
  });
});
