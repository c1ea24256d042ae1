import { z } from "zod";
import type { Failure } from "../harness/errors.js";
import { reason } from "../harness/errors.js";
import type { PropertyRule } from "../harness/resource.js";
import { isObject, same, sameSet } from "../harness/values.js";
import { blockAgrees } from "./state.js";
import { tagsSchema } from "./tags.js";

/** AWS's limit for user data before its encoding, in bytes. */
const USER_DATA_BYTES = 16 * 1024;

const rootBlockDevice = z.strictObject({
  /** GiB. Default: the image's. */
  volumeSize: z.int().positive().optional(),
  volumeType: z.enum(["gp2", "gp3", "io1", "io2", "st1", "sc1", "standard"]).optional(),
  iops: z.int().positive().optional(),
  /** MiB/s; only for gp3. */
  throughput: z.int().positive().optional(),
  encrypted: z.boolean().optional(),
  kmsKeyId: z.string().optional(),
  /** Default true, as in the official provider. */
  deleteOnTermination: z.boolean().optional(),
  tags: tagsSchema.optional(),
});

const metadataOptions = z.strictObject({
  httpEndpoint: z.enum(["enabled", "disabled"]).optional(),
  /** `required` means IMDSv2. */
  httpTokens: z.enum(["optional", "required"]).optional(),
  httpPutResponseHopLimit: z.int().min(1).max(64).optional(),
  httpProtocolIpv6: z.enum(["enabled", "disabled"]).optional(),
  instanceMetadataTags: z.enum(["enabled", "disabled"]).optional(),
});

const instanceMarketOptions = z.strictObject({
  marketType: z.literal("spot").optional(),
  spotOptions: z
    .strictObject({
      /** USD per hour. Default: the on-demand price. */
      maxPrice: z.string().optional(),
      /** Persistent requests are refused, because they would start a new instance after this one is terminated. */
      spotInstanceType: z.literal("one-time").optional(),
      instanceInterruptionBehavior: z.literal("terminate").optional(),
      /** RFC 3339, in UTC. */
      validUntil: z.iso.datetime().optional(),
    })
    .optional(),
});

export const instanceSchema = z.strictObject({
  ami: z.string(),
  instanceType: z.string(),
  subnetId: z.string().optional(),
  vpcSecurityGroupIds: z.array(z.string()).optional(),
  keyName: z.string().optional(),
  /** Plain text, at most 16 KiB. */
  userData: z.string().optional(),
  /** The same in base64, for data that is not text (gzip). */
  userDataBase64: z.base64().optional(),
  /** Other user data always replaces the instance, because cloud-init reads it only once. */
  userDataReplaceOnChange: z.boolean().optional(),
  metadataOptions: metadataOptions.optional(),
  rootBlockDevice: rootBlockDevice.optional(),
  /** Default: as the subnet's setting. */
  associatePublicIpAddress: z.boolean().optional(),
  privateIp: z.string().optional(),
  /** What happens at a shutdown from inside. Default: stop. */
  instanceInitiatedShutdownBehavior: z.enum(["stop", "terminate"]).optional(),
  /** Options of a spot instance. Default: on demand. */
  instanceMarketOptions: instanceMarketOptions.optional(),
  creditSpecification: z
    .strictObject({ cpuCredits: z.enum(["standard", "unlimited"]).optional() })
    .optional(),
  /** Detailed monitoring, which costs. Default false. */
  monitoring: z.boolean().optional(),
  availabilityZone: z.string().optional(),
  /** Tags of the instance and of its network interface. */
  tags: tagsSchema.optional(),
  /** Tags of the volumes that are made with it. */
  volumeTags: tagsSchema.optional(),
});
export type InstanceInputs = z.output<typeof instanceSchema>;

const fixed: PropertyRule = { on: "replace" };

/** Of the root volume, only the tags can be changed in place. */
const unlessOnlyTags: PropertyRule["on"] = (was, becomes) => {
  const rest = (value: unknown) => (isObject(value) ? { ...value, tags: undefined } : {});
  return blockAgrees(rest(was), rest(becomes)) ? "update" : "replace";
};

/** Volume tags must be equal. Of the other properties, only those in the inputs are compared. */
function rootAgrees(has: unknown, wants: unknown): boolean {
  if (!isObject(has) || !isObject(wants)) return false;
  const { tags: hasTags = {}, ...rest } = has;
  const { tags: wantsTags, ...wanted } = wants;
  return blockAgrees(rest, wanted) && (wantsTags === undefined || same(hasTags, wantsTags));
}

/** Which changes replace the instance, and which are made in place. */
export const instanceRules: Record<keyof InstanceInputs, PropertyRule> = {
  ami: fixed,
  instanceType: fixed,
  subnetId: fixed,
  vpcSecurityGroupIds: { on: "update", agrees: sameSet },
  keyName: fixed,
  userData: fixed,
  userDataBase64: fixed,
  userDataReplaceOnChange: { on: "update", default: false },
  metadataOptions: { on: "update", agrees: blockAgrees },
  rootBlockDevice: { on: unlessOnlyTags, agrees: rootAgrees },
  associatePublicIpAddress: fixed,
  privateIp: fixed,
  instanceInitiatedShutdownBehavior: { on: "update", default: "stop" },
  instanceMarketOptions: { on: "replace", agrees: blockAgrees },
  creditSpecification: { on: "replace", agrees: blockAgrees },
  monitoring: { on: "replace", default: false },
  availabilityZone: fixed,
  tags: { on: "update" },
  volumeTags: { on: "update" },
};

/** Inputs that can't be combined, found before the first request. */
export function instanceProblems(inputs: Partial<InstanceInputs>): Failure[] {
  const failures: Failure[] = [];
  const clash = (one: string, other: string): number =>
    failures.push({
      property: one,
      reason: reason(`${one} and ${other} can't both be set`, undefined, `remove ${one}`),
    });
  if (inputs.userData !== undefined && inputs.userDataBase64 !== undefined)
    clash("userDataBase64", "userData");
  if (inputs.volumeTags && inputs.rootBlockDevice?.tags) clash("volumeTags", "rootBlockDevice.tags");
  const bytes = Buffer.from(
    inputs.userDataBase64 ?? inputs.userData ?? "",
    inputs.userDataBase64 ? "base64" : "utf8",
  );
  if (bytes.length > USER_DATA_BYTES)
    failures.push({
      property: inputs.userDataBase64 === undefined ? "userData" : "userDataBase64",
      reason: reason(
        `the user data has ${bytes.length} bytes`,
        `AWS accepts at most ${USER_DATA_BYTES}`,
        "shorten it, or compress it (userDataBase64)",
      ),
    });
  return failures;
}
