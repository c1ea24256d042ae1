import { z } from "zod";

/** The fields that we read of one entry in the Price List API's `PriceList`. */
const productSchema = z.object({
  product: z.object({
    productFamily: z.string().optional(),
    attributes: z.record(z.string(), z.string()),
  }),
  terms: z.object({
    OnDemand: z
      .record(
        z.string(),
        z.object({
          priceDimensions: z.record(
            z.string(),
            z.object({
              unit: z.string(),
              pricePerUnit: z.object({ USD: z.string().optional() }),
            }),
          ),
        }),
      )
      .optional(),
  }),
});

/** One product's on-demand price. */
export interface ListedPrice {
  attributes: Readonly<Record<string, string>>;
  /** `Hrs`, `GB-Mo` */
  unit: string;
  /** US dollars a unit. */
  usd: number;
}

/**
 * The on-demand prices in a `PriceList`, whose entries are JSON texts. Of a product's tiers, the most expensive counts: the
 * others are a free tier. Entries without an on-demand price in dollars are left out.
 *
 * @throws when an entry is not a product: the API has changed.
 */
export function parsePriceList(entries: readonly string[]): ListedPrice[] {
  return entries.flatMap((entry) => {
    const { product, terms } = productSchema.parse(JSON.parse(entry));
    const [dearest] = Object.values(terms.OnDemand ?? {})
      .flatMap((term) => Object.values(term.priceDimensions))
      .flatMap(({ unit, pricePerUnit: { USD } }) =>
        USD === undefined ? [] : [{ attributes: product.attributes, unit, usd: Number(USD) }],
      )
      .sort((a, b) => b.usd - a.usd);
    return dearest === undefined ? [] : [dearest];
  });
}

/** Linux machines on shared hardware, without licences on top and no reserved capacity: instance type → US dollars an hour. */
export function instanceHours(prices: readonly ListedPrice[]): Record<string, number> {
  const hours = prices.flatMap(({ attributes: a, unit, usd }): [string, number][] =>
    unit === "Hrs" &&
    usd > 0 &&
    a.instanceType !== undefined &&
    a.operatingSystem === "Linux" &&
    a.tenancy === "Shared" &&
    a.preInstalledSw === "NA" &&
    a.capacitystatus === "Used" &&
    (a.marketoption ?? "OnDemand") === "OnDemand"
      ? [[a.instanceType, usd]]
      : [],
  );
  return Object.fromEntries(hours.sort(([a], [b]) => a.localeCompare(b)));
}

/** US dollars per GiB and month of a gp3 volume (the list calls it GB); `undefined` when it is not listed. */
export const diskGiBMonth = (prices: readonly ListedPrice[]): number | undefined =>
  prices.find((p) => p.unit === "GB-Mo" && p.attributes.volumeApiName === "gp3")?.usd;

/** US dollars per hour of a public IPv4 address in use; `undefined` when it is not listed. */
export const addressHour = (prices: readonly ListedPrice[]): number | undefined =>
  prices.find((p) => p.unit === "Hrs" && /(^|-)PublicIPv4:InUseAddress$/.test(p.attributes.usagetype ?? ""))
    ?.usd;
