/** One entry of a `PriceList`, in the shape AWS documents for GetProducts: a product, its terms, their dimensions. */
export function listed(
  attributes: Record<string, string>,
  unit: string,
  usd: readonly string[],
  productFamily = "Compute Instance",
): string {
  const dimension = (price: string, i: number) => ({
    unit,
    beginRange: String(i),
    endRange: "Inf",
    description: `$${price} per ${unit}`,
    appliesTo: [],
    rateCode: `SKU.JRTCKXETXF.TIER${i}`,
    pricePerUnit: { USD: price },
  });
  return JSON.stringify({
    product: { productFamily, attributes, sku: "SKU" },
    serviceCode: attributes.servicecode ?? "AmazonEC2",
    terms: {
      OnDemand: {
        "SKU.JRTCKXETXF": {
          priceDimensions: Object.fromEntries(usd.map((price, i) => [`TIER${i}`, dimension(price, i)])),
          sku: "SKU",
          effectiveDate: "2026-01-01T00:00:00Z",
          offerTermCode: "JRTCKXETXF",
          termAttributes: {},
        },
      },
      Reserved: {},
    },
    version: "20260101000000",
    publicationDate: "2026-01-01T00:00:00Z",
  });
}

/** A plain Linux machine. */
export const machine = (instanceType: string, usd: string, over: Record<string, string> = {}): string =>
  listed(
    {
      instanceType,
      operatingSystem: "Linux",
      tenancy: "Shared",
      preInstalledSw: "NA",
      capacitystatus: "Used",
      marketoption: "OnDemand",
      usagetype: `BoxUsage:${instanceType}`,
      ...over,
    },
    "Hrs",
    [usd],
  );

export const volume = (usd: string, volumeApiName = "gp3"): string =>
  listed({ volumeApiName, usagetype: `EBS:VolumeUsage.${volumeApiName}` }, "GB-Mo", [usd], "Storage");

/** Given free for a while, as the first tier says. */
export const address = (usd: string, usagetype = "USE1-PublicIPv4:InUseAddress"): string =>
  listed({ usagetype, servicecode: "AmazonVPC" }, "Hrs", ["0.0000000000", usd], "VpcPublicIPv4Address");
