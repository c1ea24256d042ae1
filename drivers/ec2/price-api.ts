import type { Filter } from "@aws-sdk/client-pricing";
import { ExitCode, messageOf, UserError } from "../../base/errors.js";
import type { RegionPrices } from "../../model/prices.js";
import { addressHour, diskGiBMonth, instanceHours, type ListedPrice, parsePriceList } from "./price-list.js";

/** One of the few regions with this API, which has the prices of all regions. `AWS_ENDPOINT_URL_PRICING` sets another endpoint. */
const API_REGION = "us-east-1";

/**
 * A region's current prices, from AWS's Price List API, with the environment's credentials (variables, profile, single
 * sign-on, role). Takes one request per hundred products: about ten.
 *
 * @throws UserError: exit 2 without credentials, when they are refused, and for a region without prices; else exit 1.
 */
export async function fetchRegionPrices(region: string, now = new Date()): Promise<RegionPrices> {
  try {
    const [instances, disks, addresses] = await Promise.all([
      products("AmazonEC2", {
        regionCode: region,
        operatingSystem: "Linux",
        tenancy: "Shared",
        preInstalledSw: "NA",
        capacitystatus: "Used",
      }),
      products("AmazonEC2", { regionCode: region, productFamily: "Storage", volumeApiName: "gp3" }),
      products("AmazonVPC", { regionCode: region }),
    ]);
    const prices = {
      instanceHour: instanceHours(instances),
      diskGiBMonth: diskGiBMonth(disks),
      addressHour: addressHour(addresses),
    };
    if (Object.keys(prices.instanceHour).length === 0) {
      throw new UserError(`AWS lists no prices for a region "${region}"`, {
        fix: "check --region: us-east-1, eu-central-1",
        exitCode: ExitCode.usage,
      });
    }
    const { diskGiBMonth: disk, addressHour: address } = prices;
    if (disk === undefined || address === undefined) {
      throw new UserError(`the price list of ${region} is incomplete`, {
        why: `it has no price of ${disk === undefined ? "gp3 volumes" : "public IPv4 addresses"}`,
        fix: "use the known prices: leave --refresh out",
      });
    }
    return {
      date: now.toISOString().slice(0, 10),
      source: "AWS Price List API",
      diskGiBMonth: disk,
      addressHour: address,
      instanceHour: prices.instanceHour,
    };
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw explained(error);
  }
}

/** All matching on-demand prices of a service. */
async function products(service: string, attributes: Record<string, string>): Promise<ListedPrice[]> {
  // The SDK warns about the Node version that its later versions need; ours is pinned.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  // Loaded only here, because that takes longer than most commands.
  const { paginateGetProducts, PricingClient } = await import("@aws-sdk/client-pricing");
  const { requestTimeouts } = await import("./client.js");
  const client = new PricingClient({ region: API_REGION, requestHandler: requestTimeouts() });
  const filters = Object.entries(attributes).map(
    ([field, value]): Filter => ({ Type: "TERM_MATCH", Field: field, Value: value }),
  );
  const found: ListedPrice[] = [];
  try {
    const pages = paginateGetProducts({ client }, { ServiceCode: service, Filters: filters });
    for await (const page of pages) found.push(...parsePriceList((page.PriceList ?? []).map(String)));
    return found;
  } finally {
    client.destroy();
  }
}

const EXPIRED = ["ExpiredTokenException", "ExpiredToken", "TokenRefreshRequired", "RequestExpired"];
const REFUSED = [
  "UnrecognizedClientException",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "IncompleteSignature",
  "MissingAuthenticationTokenException",
];
const DENIED = ["AccessDeniedException", "AccessDenied", "UnauthorizedOperation"];

/** Converts the SDK's errors; any other error is a bug and stays. */
function explained(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const without = "or use the known prices: leave --refresh out";
  const fail = (what: string, fix: string, exitCode?: ExitCode): UserError =>
    new UserError(what, {
      why: messageOf(error),
      fix: `${fix}, ${without}`,
      cause: error,
      ...(exitCode === undefined ? {} : { exitCode }),
    });
  if (error.name === "CredentialsProviderError")
    return fail(
      "there are no AWS credentials with which to query prices",
      "set them: aws configure, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
      ExitCode.usage,
    );
  if (EXPIRED.includes(error.name))
    return fail("the AWS credentials have expired", "get new ones: aws sso login", ExitCode.usage);
  if (REFUSED.includes(error.name))
    return fail(
      "AWS does not know the credentials",
      "check AWS_ACCESS_KEY_ID or AWS_PROFILE, and the clock",
      ExitCode.usage,
    );
  if (DENIED.includes(error.name))
    return fail(
      "the AWS credentials may not query prices",
      "allow the action pricing:GetProducts for them",
      ExitCode.usage,
    );
  if ("$fault" in error) return fail(`the AWS Price List API says ${error.name}`, "try again in a while");
  if ("code" in error || error.name === "TimeoutError")
    return fail("the AWS Price List API can't be reached", "check the network and its proxy");
  return error;
}
