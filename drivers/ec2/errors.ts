import { askingWith } from "../../base/asking.js";
import { ExitCode, messageOf, UserError } from "../../base/errors.js";

/** The API call that threw an error, as IAM names it; stored separately, because the error is the SDK's. */
const actions = new WeakMap<Error, string>();

/** Remembers that this call threw the error: `RunInstancesCommand` is `ec2:RunInstances`. */
export function noteAction(error: unknown, command: string): unknown {
  if (error instanceof Error) actions.set(error, `ec2:${command.replace(/Command$/, "")}`);
  return error;
}

/**
 * AWS's code for a refused call (`InsufficientInstanceCapacity`), or Node's for a failed connection (`ECONNREFUSED`);
 * also of an error with such a cause.
 */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  if ("$metadata" in error || error.name === "CredentialsProviderError") return error.name;
  return codeOf(error.cause);
}

const CAPACITY =
  /\b(InsufficientInstanceCapacity|InsufficientHostCapacity|InsufficientCapacity|SpotMaxPriceTooLow)\b/;

/** Whether something failed because AWS has no capacity; also for the engine's errors. */
export const lacksCapacity = (error: unknown): boolean =>
  CAPACITY.test(codeOf(error) ?? "") || (error instanceof UserError && CAPACITY.test(error.why ?? ""));

/** "No such thing": gone. */
export const isGone = (error: unknown): boolean =>
  /\.NotFound$|^Gateway\.NotAttached$/.test(codeOf(error) ?? "");

/** Our code for a call that AWS accepted but never answered. */
export const UNANSWERED = "NoAnswer";

interface Remedy {
  codes: RegExp;
  /** Follows the description of what failed. */
  what?: string;
  fix: string;
  /** Default: failed. */
  exitCode?: ExitCode;
}

const CLOCK = "compare this machine's clock with the true time (timedatectl)";

/** The first match counts. */
const REMEDIES: readonly Remedy[] = [
  {
    codes: /^CredentialsProviderError$/,
    what: "there are no AWS credentials",
    fix: "run `aws configure` or `aws sso login`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_PROFILE chooses a profile)",
    exitCode: ExitCode.hostNotReady,
  },
  {
    codes: /^(ExpiredToken|ExpiredTokenException|TokenRefreshRequired|RequestExpired)$/,
    what: "the AWS credentials have expired",
    fix: `sign in again (aws sso login, or a new session token) and run it again, the state is unchanged; if they are new, ${CLOCK}`,
    exitCode: ExitCode.hostNotReady,
  },
  {
    codes: /^(RequestTimeTooSkewed|RequestInTheFuture|SignatureDoesNotMatch)$/,
    what: "AWS doesn't accept the signature",
    fix: `${CLOCK}, then check the secret key; the state is unchanged`,
    exitCode: ExitCode.hostNotReady,
  },
  {
    codes: /^(AuthFailure|InvalidClientTokenId|UnrecognizedClientException|IncompleteSignature)$/,
    what: "AWS doesn't accept the credentials",
    fix: `check the access key, secret key and session token, whether the account may use this region, and the clock (timedatectl); the state is unchanged`,
    exitCode: ExitCode.hostNotReady,
  },
  {
    codes: /^(UnauthorizedOperation|AccessDenied|AccessDeniedException)$/,
    what: "the permission is missing",
    fix: "allow that action in the IAM policy of this user or role",
  },
  {
    codes:
      /^(RequestLimitExceeded|Throttling|ThrottlingException|RequestThrottled|RequestThrottledException)$/,
    what: "AWS asks to slow down, and still did after several tries",
    fix: "run it again in a minute, with fewer seats at once",
  },
  {
    codes: /LimitExceeded$|^MaxSpotInstanceCountExceeded$/,
    what: "the account's quota is used up",
    fix: "remove what isn't needed, choose a smaller type or another region, or request a higher quota (Service Quotas, EC2)",
  },
  {
    codes: CAPACITY,
    what: "AWS has no capacity for such a machine there now",
    fix: "choose another availability zone, another instance type, or on-demand instead of spot",
  },
  {
    codes: /^InvalidAMIID\./,
    what: "the image isn't there",
    fix: "choose an AMI of this region (aws.ec2.getAmi finds the newest)",
  },
  {
    codes: /^(OptInRequired|PendingVerification|Blocked)$/,
    what: "the AWS account can't be used yet",
    fix: "finish signing up, opt in to the region, or ask AWS support",
  },
  {
    codes: /^DependencyViolation$/,
    what: "something still uses it",
    fix: "remove what uses it, then run it again",
  },
  {
    codes: /^(ENOTFOUND|EAI_AGAIN)$/,
    what: "the EC2 endpoint does not exist or can't be reached",
    fix: "check the region's name (aws:region, AWS_REGION), any endpoint that is set, and the network; the state is unchanged",
    exitCode: ExitCode.hostNotReady,
  },
  {
    codes: new RegExp(`^${UNANSWERED}$`),
    what: "AWS does not answer",
    fix: "check the network and its proxy, then run it again: it continues where it stopped",
    exitCode: ExitCode.hostNotReady,
  },
  {
    codes: /^(E[A-Z]+|TimeoutError)$/,
    what: "EC2 can't be reached",
    fix: "check the network, the proxy and any endpoint that is set (aws:endpoints, AWS_ENDPOINT_URL); the state is unchanged",
    exitCode: ExitCode.hostNotReady,
  },
];

/**
 * Wraps an error of a call to AWS. The reason begins with AWS's code, so that callers of the engine can distinguish errors,
 * too. UserErrors pass unchanged.
 *
 * @param what What didn't work: `instance i-1 could not be read`.
 */
export function awsError(what: string, error: unknown): UserError {
  if (error instanceof UserError) return error;
  const message = messageOf(error).replace(/\s*Encoded authorization failure message:.*$/s, "");
  if (message === "Region is missing")
    return new UserError(`${what}: no AWS region is chosen`, {
      fix: "set aws:region or AWS_REGION, or a region in the profile",
      cause: error,
    });
  const code = codeOf(error);
  const remedy = REMEDIES.find(({ codes }) => codes.test(code ?? ""));
  const action = remedy?.codes.test("UnauthorizedOperation")
    ? (/perform: (\w+:\w+)/.exec(message)?.[1] ?? (error instanceof Error ? actions.get(error) : undefined))
    : undefined;
  const reason = [remedy?.what, action].filter(Boolean).join(": ");
  return new UserError(reason ? `${what}: ${reason}` : what, {
    why: code === undefined ? message : `${code}: ${message}`,
    fix: remedy?.fix ?? "change the inputs so that AWS accepts them, then run it again",
    exitCode: remedy?.exitCode ?? ExitCode.failed,
    cause: error,
  });
}

/** Run one call, and convert its errors with `awsError`. */
export const { asking, lookUp } = askingWith(awsError, isGone);
