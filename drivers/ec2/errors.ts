import { ExitCode, messageOf, UserError } from "../../base/errors.js";

/** Which API call threw, as IAM names it; kept beside the error, which is the SDK's. */
const actions = new WeakMap<Error, string>();

/** Remembers that this call threw the error: `RunInstancesCommand` is `ec2:RunInstances`. */
export function noteAction(error: unknown, command: string): unknown {
  if (error instanceof Error) actions.set(error, `ec2:${command.replace(/Command$/, "")}`);
  return error;
}

/**
 * AWS's code for what it refused (`InsufficientInstanceCapacity`), or Node's for what didn't get there
 * (`ECONNREFUSED`); also of an error that one of those caused.
 */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  if ("$metadata" in error || error.name === "CredentialsProviderError") return error.name;
  return codeOf(error.cause);
}

const CAPACITY =
  /\b(InsufficientInstanceCapacity|InsufficientHostCapacity|InsufficientCapacity|SpotMaxPriceTooLow)\b/;

/** Whether something failed because AWS has no such machine to give just there; also as the engine tells it. */
export const lacksCapacity = (error: unknown): boolean =>
  CAPACITY.test(codeOf(error) ?? "") || (error instanceof UserError && CAPACITY.test(error.why ?? ""));

/** "No such thing": gone. */
export const isGone = (error: unknown): boolean =>
  /\.NotFound$|^Gateway\.NotAttached$/.test(codeOf(error) ?? "");

/** Our code for a call that AWS took and never answered. */
export const UNANSWERED = "NoAnswer";

interface Remedy {
  codes: RegExp;
  /** Goes after what didn't work. */
  what?: string;
  fix: string;
  /** Default: failed. */
  exitCode?: ExitCode;
}

const CLOCK = "compare this machine's clock with the true time (timedatectl)";

/** In this order; the first that fits counts. */
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
    fix: `sign in anew (aws sso login, or a fresh session token) and run it again, the state is kept as it was; if they are fresh, ${CLOCK}`,
    exitCode: ExitCode.hostNotReady,
  },
  {
    codes: /^(RequestTimeTooSkewed|RequestInTheFuture|SignatureDoesNotMatch)$/,
    what: "AWS doesn't accept the signature",
    fix: `${CLOCK}, then the secret key; the state is kept as it was`,
    exitCode: ExitCode.hostNotReady,
  },
  {
    codes: /^(AuthFailure|InvalidClientTokenId|UnrecognizedClientException|IncompleteSignature)$/,
    what: "AWS doesn't accept the credentials",
    fix: `check the access key, secret key and session token, whether the account may use this region, and the clock (timedatectl); the state is kept as it was`,
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
    fix: "take down what isn't needed, choose a smaller type or another region, or have the quota raised (Service Quotas, EC2)",
  },
  {
    codes: CAPACITY,
    what: "AWS has no such machine free there now",
    fix: "take another availability zone, another instance type, or on-demand in place of spot",
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
    what: "there is no such endpoint of EC2, or no way to it",
    fix: "check the region's name (aws:region, AWS_REGION), any endpoint that is set, and the network; the state is kept as it was",
    exitCode: ExitCode.hostNotReady,
  },
  {
    codes: new RegExp(`^${UNANSWERED}$`),
    what: "AWS does not answer",
    fix: "check the network and its proxy, then run it again: it goes on from where it stopped",
    exitCode: ExitCode.hostNotReady,
  },
  {
    codes: /^(E[A-Z]+|TimeoutError)$/,
    what: "EC2 can't be reached",
    fix: "check the network, the proxy and any endpoint that is set (aws:endpoints, AWS_ENDPOINT_URL); the state is kept as it was",
    exitCode: ExitCode.hostNotReady,
  },
];

/**
 * Wraps what a call to AWS threw. The reason begins with AWS's code, so that whoever runs the engine can tell errors
 * apart too. Errors that are ours already pass as they are.
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

/** Runs one call; what it throws comes out as `awsError`. */
export async function asking<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw awsError(what, error);
  }
}

/** As `asking`, but "no such thing" is undefined. */
export async function lookUp<T>(what: string, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (isGone(error)) return undefined;
    throw awsError(what, error);
  }
}
