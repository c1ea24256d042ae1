import {
  type EC2Client,
  type Instance,
  paginateDescribeInstances,
  paginateDescribeVpcs,
} from "@aws-sdk/client-ec2";
import type { ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import { messageOf } from "../../base/errors.js";
import { INSTANCE_TYPES } from "../../model/instance-catalogue.js";
import { connect, requestTimeouts } from "./client.js";
import { asking, codeOf } from "./errors.js";

/** A limit that AWS sets for an account in a region. */
export interface Quota {
  of: "networks" | "vCPUs";
  used: number;
  /** `undefined`: AWS does not tell, and `problem` says why. */
  limit: number | undefined;
  problem?: string;
}

/** A quota as AWS's Service Quotas names it. */
interface QuotaName {
  ServiceCode: string;
  QuotaCode: string;
}

/* The codes are those that `aws service-quotas list-service-quotas` shows, the same in every region. */
const NETWORKS: QuotaName = { ServiceCode: "vpc", QuotaCode: "L-F678F1CE" };
/** Of running instances of the standard families: A, C, D, H, I, M, R, T, Z. */
const ON_DEMAND: QuotaName = { ServiceCode: "ec2", QuotaCode: "L-1216C47A" };
const SPOT: QuotaName = { ServiceCode: "ec2", QuotaCode: "L-34B43A08" };

const STANDARD_FAMILY = /^(?:[acdhmrtz]|i[ms]?)\d/;

/**
 * The quotas of a region that rented seats count towards, and what the account uses of them now.
 *
 * @param spot Whether the machines are to be spot instances, which have a quota of their own.
 * @throws UserError with AWS's reason when what is used can't be listed. A limit that can't be read is no error.
 */
export const readQuotas = (region: string, { spot }: { spot: boolean }): Promise<Quota[]> =>
  asking(`the quotas of ${region} could not be read`, async () => {
    const client = connect({ region });
    const { ServiceQuotasClient } = await import("@aws-sdk/client-service-quotas");
    const quotas = new ServiceQuotasClient({ region, requestHandler: requestTimeouts() });
    const [networks, vcpus, networkLimit, vcpuLimit] = await Promise.all([
      networksIn(client),
      vcpusIn(client, spot),
      readLimit(quotas, NETWORKS),
      readLimit(quotas, spot ? SPOT : ON_DEMAND),
    ]);
    return [
      { of: "networks", used: networks, ...networkLimit },
      { of: "vCPUs", used: vcpus, ...vcpuLimit },
    ];
  });

async function networksIn(client: EC2Client): Promise<number> {
  let count = 0;
  for await (const { Vpcs = [] } of paginateDescribeVpcs({ client }, {})) count += Vpcs.length;
  return count;
}

async function vcpusIn(client: EC2Client, spot: boolean): Promise<number> {
  const Filters = [{ Name: "instance-state-name", Values: ["pending", "running"] }];
  let count = 0;
  for await (const { Reservations = [] } of paginateDescribeInstances({ client }, { Filters }))
    for (const instance of Reservations.flatMap(({ Instances = [] }) => Instances))
      if (
        STANDARD_FAMILY.test(instance.InstanceType ?? "") &&
        (instance.InstanceLifecycle === "spot") === spot
      )
        count += vcpusOf(instance);
  return count;
}

/** As AWS says, else as the catalogue says. */
const vcpusOf = ({ CpuOptions, InstanceType }: Instance): number =>
  CpuOptions?.CoreCount
    ? CpuOptions.CoreCount * (CpuOptions.ThreadsPerCore ?? 1)
    : (INSTANCE_TYPES.find(({ name }) => name === InstanceType)?.vcpus ?? 1);

/** The account's own value of a quota, else AWS's default. `AWS_ENDPOINT_URL_SERVICE_QUOTAS` sets another endpoint. */
async function readLimit(
  client: ServiceQuotasClient,
  name: QuotaName,
): Promise<Pick<Quota, "limit" | "problem">> {
  const { GetAWSDefaultServiceQuotaCommand, GetServiceQuotaCommand } = await import(
    "@aws-sdk/client-service-quotas"
  );
  try {
    const { Quota: quota } = await client.send(new GetServiceQuotaCommand(name)).catch((error: unknown) => {
      if (codeOf(error) !== "NoSuchResourceException") throw error;
      return client.send(new GetAWSDefaultServiceQuotaCommand(name));
    });
    return quota?.Value === undefined
      ? { limit: undefined, problem: "its answer has no value" }
      : { limit: quota.Value };
  } catch (error) {
    return {
      limit: undefined,
      problem: [codeOf(error), messageOf(error)].filter(Boolean).join(": "),
    };
  }
}
