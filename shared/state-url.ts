import { createHash } from "node:crypto";
import { ExitCode, UserError } from "../base/errors.js";

/** Where a shared state is: `s3://bucket/prefix?region=eu-central-1&endpoint=https://…`. */
export interface StateUrl {
  bucket: string;
  /** Before every key: empty, or ends with a slash. */
  prefix: string;
  /** Default: AWS_REGION, then the profile's. */
  region?: string;
  /** The URL of an S3 API other than AWS's. */
  endpoint?: string;
}

const OPTIONS = ["region", "endpoint"];

/** @throws UserError (exit 2) when it is no such URL. */
export function parseStateUrl(text: string): StateUrl {
  const problem = stateUrlProblem(text);
  if (problem !== undefined) {
    throw new UserError("that is not the place of a shared state", {
      why: problem,
      fix: "write it like s3://bucket/class-2026?region=eu-central-1; endpoint=URL names an S3 API other than AWS's",
      exitCode: ExitCode.usage,
    });
  }
  const { hostname, searchParams } = new URL(text);
  const [region, endpoint] = OPTIONS.map((name) => searchParams.get(name) || undefined);
  return {
    bucket: hostname,
    prefix: partsOf(text)
      .map((part) => `${part}/`)
      .join(""),
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
  };
}

const partsOf = (text: string): string[] => new URL(text).pathname.split("/").filter((part) => part !== "");

/** Why a text is not the place of a shared state; `undefined`: it is one. Pure. */
export function stateUrlProblem(text: string): string | undefined {
  const because = (why: string): string => `"${text}" ${why}`;
  if (!URL.canParse(text)) return because("is no URL");
  const { hash, hostname, password, port, protocol, searchParams, username } = new URL(text);
  if (protocol !== "s3:") return because("does not begin with s3://");
  // Never printed: it may hold a secret.
  if (username || password) return "credentials come from the environment or ~/.aws, not from the URL";
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(hostname) || port !== "")
    return because("does not begin with a bucket's name");
  if (hash !== "") return because("contains a #");
  const strange = [...searchParams.keys()].filter((name) => !OPTIONS.includes(name));
  if (strange.length > 0)
    return because(
      `has the option ${strange.join(", ")}, which is not known; the options are: ${OPTIONS.join(", ")}`,
    );
  if (!partsOf(text).every((part) => /^[\w.-]+$/.test(part)))
    return because("has other characters behind the bucket than letters, digits and . _ - /");
  const endpoint = searchParams.get("endpoint");
  if (endpoint && !/^https?:$/.test(URL.canParse(endpoint) ? new URL(endpoint).protocol : ""))
    return because("has an endpoint that does not begin with http:// or https://");
  return undefined;
}

/** The name of the folder that holds this machine's copy of a shared state. Pure. */
export function copyName({ bucket, endpoint = "", prefix }: StateUrl): string {
  const hash = createHash("sha256")
    .update(JSON.stringify([bucket, prefix, endpoint]))
    .digest("hex");
  return `${bucket.slice(0, 20)}-${hash.slice(0, 8)}`;
}
