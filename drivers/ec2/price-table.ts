import { readFile } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { hasCode } from "../../base/errors.js";
import { cacheDir, privateDir, repoDir } from "../../base/paths.js";
import { mergePrices, type PriceTable, type RegionPrices } from "../../model/prices.js";

const usd = z.number().nonnegative();
const priceTableSchema = z.object({
  schema: z.literal(1),
  sources: z.array(z.string()),
  regions: z.record(
    z.string(),
    z.object({
      date: z.iso.date(),
      source: z.string(),
      diskGiBMonth: usd,
      addressHour: usd,
      instanceHour: z.record(z.string(), usd),
    }),
  ),
}) satisfies z.ZodType<PriceTable>;

const refreshedFile = (): string => join(cacheDir(), "prices.json");

/** The repo's table, in which regions stored by {@link storePrices} replace older ones. */
export async function readPriceTable(): Promise<PriceTable> {
  const text = await readFile(join(repoDir, "model/prices.json"), "utf8");
  const published = priceTableSchema.parse(JSON.parse(text));
  const refreshed = await readRefreshed();
  return refreshed === undefined ? published : mergePrices(published, refreshed);
}

/** @returns `undefined` when nothing readable was stored: it is only a cache. */
async function readRefreshed(): Promise<PriceTable | undefined> {
  const text = await readFile(refreshedFile(), "utf8").catch((error: unknown) => {
    if (!hasCode(error, "ENOENT")) throw error;
    return "";
  });
  try {
    return priceTableSchema.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

/** Stores a region's prices in the cache directory, together with those of other regions. @returns the file. */
export async function storePrices(region: string, prices: RegionPrices): Promise<string> {
  const before = await readRefreshed();
  const table: PriceTable = { schema: 1, sources: [], regions: { ...before?.regions, [region]: prices } };
  await privateDir(cacheDir());
  await writeFileAtomic(refreshedFile(), `${JSON.stringify(table, null, 2)}\n`);
  return refreshedFile();
}
