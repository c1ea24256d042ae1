import type { EC2Client } from "@aws-sdk/client-ec2";
import { z } from "zod";
import { UserError } from "../../base/errors.js";
import { connect } from "../../drivers/ec2/client.js";
import { reason } from "../harness/errors.js";
import type { Parts } from "../harness/provider.js";
import type { AnyResource } from "../harness/resource.js";
import { isObject, type PropertyMap } from "../harness/values.js";
import { getAmi } from "./get-ami.js";
import { getAvailabilityZones } from "./get-availability-zones.js";
import { getInstanceTypeOfferings } from "./get-instance-type-offerings.js";
import { instance } from "./instance.js";
import { internetGateway } from "./internet-gateway.js";
import { keyPair } from "./key-pair.js";
import { routeTable } from "./route-table.js";
import { routeTableAssociation } from "./route-table-association.js";
import { securityGroup } from "./security-group.js";
import { subnet } from "./subnet.js";
import { tag } from "./tag.js";
import { tagsSchema } from "./tags.js";
import { vpc } from "./vpc.js";

/** The SDK writes everything that is not a string as JSON text. */
const json = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => {
    if (typeof value !== "string") return value;
    try {
      return JSON.parse(value) as unknown;
    } catch {
      return value;
    }
  }, schema);

const flag = json(z.boolean()).optional();

/** The provider's configuration. For what is not set, AWS's environment variables and files are used. */
const config = z.strictObject({
  region: z.string().optional(),
  endpoints: json(
    // STS is for the official plugin, which queries the account there; the stand-in does not.
    z.array(z.strictObject({ ec2: z.url().optional(), sts: z.url().optional() })),
  ).optional(),
  accessKey: z.string().optional(),
  secretKey: z.string().optional(),
  token: z.string().optional(),
  profile: z.string().optional(),
  /** The number of tries after the first. */
  maxRetries: json(z.int().min(0)).optional(),
  defaultTags: json(z.strictObject({ tags: tagsSchema.optional() })).optional(),
  // The stand-in makes none of these checks, so either value is fine.
  skipCredentialsValidation: flag,
  skipRegionValidation: flag,
  skipRequestingAccountId: flag,
  s3UsePathStyle: flag,
  /** No credentials from the instance's role. */
  skipMetadataApiCheck: flag,
});

function open(given: PropertyMap): EC2Client {
  const { endpoints, maxRetries, skipMetadataApiCheck, ...options } = config.parse(given);
  // The SDK's own switch. It affects only this process, which belongs to the plugin.
  if (skipMetadataApiCheck) process.env.AWS_EC2_METADATA_DISABLED = "true";
  return connect({
    ...options,
    region: options.region ?? (process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION),
    endpoint: endpoints?.find((item) => item.ec2 !== undefined)?.ec2,
    maxAttempts: maxRetries === undefined ? undefined : maxRetries + 1,
  });
}

/** Makes default tags inputs, so that a change of them is seen and applied. */
function withDefaultTags(
  inputs: PropertyMap,
  resource: AnyResource<EC2Client>,
  given: PropertyMap,
): PropertyMap {
  const defaults = config.shape.defaultTags.safeParse(given.defaultTags).data?.tags;
  const { tags = {} } = inputs;
  if (!defaults || !("tags" in resource.schema.shape) || !isObject(tags)) return inputs;
  return { ...inputs, tags: { ...defaults, ...tags } };
}

export const parts: Parts<EC2Client> = {
  config,
  validateConfig: (given) => {
    try {
      open(given);
      return [];
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return [{ property: "", reason: reason(error.message, error.why, error.fix ?? "") }];
    }
  },
  connect: async (given) => open(given),
  withDefaults: withDefaultTags,
  resources: [
    vpc,
    subnet,
    internetGateway,
    routeTable,
    routeTableAssociation,
    securityGroup,
    keyPair,
    instance,
    tag,
  ],
  dataSources: [getAmi, getAvailabilityZones, getInstanceTypeOfferings],
};
