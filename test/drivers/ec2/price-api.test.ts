import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ExitCode } from "../../../base/errors.js";
import { fetchRegionPrices } from "../../../drivers/ec2/price-api.js";
import { readPriceTable, storePrices } from "../../../drivers/ec2/price-table.js";
import { quote } from "../../../model/prices.js";
import { type PriceServer, priceList, startPriceServer } from "./price-server.js";

let dir = "";
let api: PriceServer;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-prices-"));
  api = await startPriceServer(dir);
  vi.stubEnv("XDG_CACHE_HOME", dir);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await api.close();
  await rm(dir, { recursive: true, force: true });
});

const refused =
  (type: string, status = 400): PriceServer["answer"] =>
  () => ({ status, type, body: { __type: type, message: `said ${type}` } });

describe("asking AWS", () => {
  it("reads every page, and asks for nothing but the region", async () => {
    expect(await fetchRegionPrices("eu-central-1", new Date("2026-12-24T10:00:00Z"))).toEqual({
      date: "2026-12-24",
      source: "AWS Price List API",
      diskGiBMonth: 0.0952,
      addressHour: 0.005,
      instanceHour: { "t3.micro": 0.013, "t3.small": 0.026 },
    });
    expect(api.asked).toHaveLength(4);
    for (const { Filters } of api.asked)
      expect(Filters).toContainEqual({ Type: "TERM_MATCH", Field: "regionCode", Value: "eu-central-1" });
  });

  it.each([
    ["AccessDeniedException", ExitCode.usage, "pricing:GetProducts"],
    ["ExpiredTokenException", ExitCode.usage, "aws sso login"],
    ["UnrecognizedClientException", ExitCode.usage, "AWS_ACCESS_KEY_ID"],
    ["ThrottlingException", ExitCode.failed, "try again"],
  ])("%s ends with %i and helps", async (type, exitCode, fix) => {
    api.answer = refused(type);
    await expect(fetchRegionPrices("us-east-1")).rejects.toMatchObject({
      exitCode,
      why: `said ${type}`,
      fix: expect.stringContaining(fix),
    });
  });

  it("tries again when it is told to slow down", async () => {
    let first = true;
    api.answer = (question) => {
      if (!first) return priceList(question);
      first = false;
      return refused("ThrottlingException")(question);
    };
    expect((await fetchRegionPrices("us-east-1")).addressHour).toBe(0.005);
  });

  it("says that there are no credentials, and asks nothing", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", undefined);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", undefined);
    await expect(fetchRegionPrices("us-east-1")).rejects.toMatchObject({
      exitCode: ExitCode.usage,
      message: expect.stringContaining("no AWS credentials"),
      fix: expect.stringContaining("AWS_PROFILE"),
    });
    expect(api.asked).toEqual([]);
  });

  it("says that nobody answers", async () => {
    await api.close();
    await expect(fetchRegionPrices("us-east-1")).rejects.toMatchObject({
      message: expect.stringContaining("can't be reached"),
      why: expect.stringContaining(String(api.port)),
    });
  });

  it("says when a region has no prices, or not all", async () => {
    api.answer = () => ({ body: { FormatVersion: "aws_v1", PriceList: [] } });
    await expect(fetchRegionPrices("mars-north-1")).rejects.toMatchObject({ exitCode: ExitCode.usage });
    api.answer = (q) => (q.ServiceCode === "AmazonVPC" ? { body: { PriceList: [] } } : priceList(q));
    await expect(fetchRegionPrices("us-east-1")).rejects.toMatchObject({
      why: expect.stringContaining("IPv4"),
    });
  });
});

describe("the table", () => {
  const rental = { region: "eu-central-1", size: "t3.micro", disk: 2 ** 32 };

  it("in the repo has what the figures are built on", async () => {
    const table = await readPriceTable();
    expect(table.sources.join()).toContain("check before relying on them");
    for (const [region, prices] of Object.entries(table.regions)) {
      // Each size of t3 costs about twice the next smaller one; a slip of the pen would not.
      const { "t3.micro": micro = 0, "t3.small": small = 0, "t3.2xlarge": large = 0 } = prices.instanceHour;
      expect(small / micro, region).toBeCloseTo(2, 1);
      expect(large / micro, region).toBeCloseTo(32, 0);
      expect(prices.diskGiBMonth, region).toBeGreaterThan(0.05);
      expect(prices.addressHour, region).toBe(0.005);
    }
  });

  it("stored after a refresh takes precedence, region by region", async () => {
    const before = await readPriceTable();
    const now = new Date("2100-01-01T00:00:00Z");
    await storePrices("us-east-1", await fetchRegionPrices("us-east-1", now));
    await storePrices("eu-central-1", await fetchRegionPrices("eu-central-1", now));
    const after = await readPriceTable();
    expect(quote(before, rental).perHour?.instance).toBe(0.012);
    expect(quote(after, rental).perHour?.instance).toBe(0.013);
    expect(quote(after, { ...rental, region: "us-east-1" }).perHour?.instance).toBe(0.013);
    expect(after.regions["eu-west-1"]).toEqual(before.regions["eu-west-1"]);
  });

  it.each(["", "{", '{"schema":2}'])("in the cache, if it reads %j, is as good as none", async (text) => {
    const before = await readPriceTable();
    const file = await storePrices("eu-central-1", await fetchRegionPrices("eu-central-1"));
    await writeFile(file, text);
    expect(await readPriceTable()).toEqual(before);
  });
});
