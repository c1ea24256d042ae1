import { EC2Client } from "@aws-sdk/client-ec2";
import { ExitCode, UserError } from "../../base/errors.js";
import { noteAction, UNANSWERED } from "./errors.js";

/** Endpoint and credentials for EC2. Defaults come from the environment and ~/.aws, as with AWS's own tools. */
export interface AwsOptions {
  /** Default: AWS_REGION, then the profile's. */
  region?: string | undefined;
  /** URL of the EC2 API. Default: AWS_ENDPOINT_URL_EC2, AWS_ENDPOINT_URL, then AWS's own of the region. */
  endpoint?: string | undefined;
  /** A profile of ~/.aws/config. Default: AWS_PROFILE. */
  profile?: string | undefined;
  accessKey?: string | undefined;
  secretKey?: string | undefined;
  /** The session token that belongs to a temporary key. */
  token?: string | undefined;
  /** How often a call is tried in all. Default 8: up to 13 s if the connection is refused, up to 50 s if AWS asks to slow down. */
  maxAttempts?: number | undefined;
  /** How long one try waits for an answer, in milliseconds. Default 20 000; a call gives up after three tries without an answer. */
  answerMs?: number | undefined;
}

const MAX_ATTEMPTS = 8;

/** How long one try waits for a connection, and for an answer once it is connected, in milliseconds. */
const CONNECT_MS = 5_000;
const ANSWER_MS = 20_000;

/** A call gives up after this many tries without an answer: that takes one minute; eight tries would take three. */
const UNANSWERED_TRIES = 3;

/** The SDK's options for every client of an AWS service: without them, a request without an answer waits forever. */
export const requestTimeouts = (answerMs = ANSWER_MS) => ({
  connectionTimeout: CONNECT_MS,
  requestTimeout: answerMs,
  throwOnRequestTimeout: true,
  // For an answer that stops in the middle.
  socketTimeout: answerMs,
});

/**
 * The client of EC2, for the plugin and for the driver (`asking` and `lookUp` in errors.ts turn its errors into clear
 * ones). It retries calls that may be retried, and looks for credentials at the first call.
 *
 * @throws UserError when the options make no sense.
 */
export function connect(options: AwsOptions = {}): EC2Client {
  const { region, endpoint, profile } = options;
  if (region !== undefined && !/^[a-z]{2,}(-[a-z]+)+-\d+$/.test(region))
    throw new UserError(`"${region}" is not a region of AWS`, {
      why: "a region looks like eu-central-1",
      fix: "set aws:region or AWS_REGION",
      exitCode: ExitCode.usage,
    });
  if (endpoint !== undefined && !/^https?:$/.test(URL.canParse(endpoint) ? new URL(endpoint).protocol : ""))
    throw new UserError(`"${endpoint}" is not an endpoint of EC2`, {
      why: "only http:// and https:// URLs are",
      fix: 'give aws:endpoints as [{"ec2": "https://…"}], or AWS_ENDPOINT_URL_EC2',
      exitCode: ExitCode.usage,
    });
  const credentials = staticCredentials(options);
  // package-lock.json pins an SDK for trilab's minimum Node version; its notice about later versions is not for users.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
  const client = new EC2Client({
    maxAttempts: options.maxAttempts ?? MAX_ATTEMPTS,
    retryMode: "standard",
    requestHandler: requestTimeouts(options.answerMs),
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(profile === undefined ? {} : { profile }),
    ...(credentials ? { credentials } : {}),
  });
  client.middlewareStack.add(
    (next, context) => (args) =>
      next(args).catch((error: unknown) => {
        throw noteAction(error, String(context.commandName ?? ""));
      }),
    { step: "initialize", name: "noteAction" },
  );
  client.middlewareStack.add(
    (next, context) => (args) =>
      next(args).catch((error: unknown) => {
        throw countUnanswered(error, context);
      }),
    // Inside the SDK's retries, so that it sees each try.
    { step: "finalizeRequest", priority: "low", name: "countUnanswered" },
  );
  return client;
}

/** How many tries of a call, identified by its context, got no answer. */
const unanswered = new WeakMap<object, number>();

/** The error of one try; after the last allowed try without an answer, an error that the SDK does not retry. */
function countUnanswered(error: unknown, call: object): unknown {
  if (!(error instanceof Error) || error.name !== "TimeoutError") return error;
  const tries = (unanswered.get(call) ?? 0) + 1;
  unanswered.set(call, tries);
  if (tries < UNANSWERED_TRIES) return error;
  // Without its cause, because of which the SDK would try again.
  return Object.assign(new Error(`no answer, ${tries} times`), { code: UNANSWERED });
}

function staticCredentials({ accessKey, secretKey, token }: AwsOptions) {
  if (accessKey === undefined && secretKey === undefined) return undefined;
  if (accessKey === undefined || secretKey === undefined)
    throw new UserError("the AWS credentials are incomplete", {
      why: `${accessKey === undefined ? "accessKey" : "secretKey"} is missing`,
      fix: "set both aws:accessKey and aws:secretKey, or neither",
      exitCode: ExitCode.usage,
    });
  return {
    accessKeyId: accessKey,
    secretAccessKey: secretKey,
    ...(token === undefined ? {} : { sessionToken: token }),
  };
}

/** `arn:aws:ec2:eu-central-1:123456789012:vpc/vpc-1`; undefined while the owner isn't known. */
export async function arnOf(
  client: EC2Client,
  owner: string | undefined,
  kind: string,
  id: string,
): Promise<string | undefined> {
  if (owner === undefined) return undefined;
  const region = await client.config.region();
  const partition = region.startsWith("cn-") ? "aws-cn" : region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
  return `arn:${partition}:ec2:${region}:${owner}:${kind}/${id}`;
}
