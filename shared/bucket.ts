import type { S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import { ExitCode, messageOf, UserError } from "../base/errors.js";
import type { StateUrl } from "./state-url.js";

/** What a bucket has under a key. The ETag changes with every write. */
export interface StoredObject {
  body: Buffer;
  etag: string;
}

/** The objects of one shared state. Keys are without the state's prefix. All functions throw UserError (exit 3) when S3 refuses or does not answer. */
export interface Bucket {
  /** The ETags of all objects whose keys begin like this, by key. */
  list(start: string): Promise<Map<string, string>>;
  /** @returns `undefined` when there is no such object. */
  get(key: string): Promise<StoredObject | undefined>;
  /**
   * Writes an object if nobody else has written it since.
   *
   * @param before The ETag that it had; `undefined`: it did not exist.
   * @returns the new ETag; `undefined` when somebody else was faster, and nothing was written.
   */
  put(key: string, body: Buffer, before: string | undefined): Promise<string | undefined>;
  /** Removes an object if it still has this ETag. @returns whether it is gone. */
  remove(key: string, etag: string): Promise<boolean>;
}

const ANSWER_MS = 20_000;

/** A bucket of S3, or of a server with the same API. The only code that knows S3. */
export async function openBucket(url: StateUrl): Promise<Bucket> {
  // It takes a quarter of a second to load, and most commands do without.
  const s3 = await import("@aws-sdk/client-s3");
  const client = connect(s3.S3Client, url);
  const of = (key: string) => ({ Bucket: url.bucket, Key: url.prefix + key });
  const get: Bucket["get"] = (key) =>
    asking(url, async () => {
      try {
        const { Body, ETag } = await client.send(new s3.GetObjectCommand(of(key)));
        if (Body === undefined || ETag === undefined) return undefined;
        return { body: Buffer.from(await Body.transformToByteArray()), etag: ETag };
      } catch (error) {
        if (isRefused(error, "NoSuchKey")) return undefined;
        throw error;
      }
    });
  return {
    get,
    list: (start) =>
      asking(url, async () => {
        const found = new Map<string, string>();
        const input = { Bucket: url.bucket, Prefix: url.prefix + start };
        for await (const page of s3.paginateListObjectsV2({ client }, input))
          for (const { ETag, Key } of page.Contents ?? [])
            if (Key !== undefined && ETag !== undefined) found.set(Key.slice(url.prefix.length), ETag);
        return found;
      }),
    put: (key, body, before) =>
      asking(url, async () => {
        const condition = before === undefined ? { IfNoneMatch: "*" } : { IfMatch: before };
        try {
          const { ETag } = await client.send(
            new s3.PutObjectCommand({ ...of(key), Body: body, ...condition }),
          );
          return ETag;
        } catch (error) {
          if (!isRefused(error, "PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")) throw error;
          // The SDK repeats a request whose answer was lost; then it was we who were faster.
          const there = await get(key);
          return there?.body.equals(body) ? there.etag : undefined;
        }
      }),
    remove: (key, etag) =>
      asking(url, async () => {
        try {
          await client.send(new s3.DeleteObjectCommand({ ...of(key), IfMatch: etag }));
          return true;
        } catch (error) {
          if (!isRefused(error, "PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")) throw error;
          return (await get(key)) === undefined;
        }
      }),
  };
}

function connect(Client: typeof S3Client, { endpoint, region }: StateUrl): S3Client {
  // package-lock.json pins an SDK for trilab's minimum Node version; its notice about later versions is not for users.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
  return new Client({
    maxAttempts: 4,
    requestHandler: {
      connectionTimeout: 5_000,
      requestTimeout: ANSWER_MS,
      throwOnRequestTimeout: true,
      socketTimeout: ANSWER_MS,
    },
    ...(region === undefined ? {} : { region }),
    // Servers other than AWS's rarely have a name for each bucket.
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
  });
}

const isRefused = (error: unknown, ...names: string[]): boolean =>
  error instanceof Error && names.includes(error.name);

async function asking<T>(url: StateUrl, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw error instanceof UserError ? error : unreachable(url, error);
  }
}

const CREDENTIALS =
  /^(CredentialsProviderError|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|TokenRefreshRequired|RequestTimeTooSkewed)$/;

function unreachable({ bucket, endpoint, prefix }: StateUrl, error: unknown): UserError {
  const name = error instanceof Error ? error.name : "";
  const status = (error as Partial<S3ServiceException>).$metadata?.httpStatusCode;
  const place = `s3://${bucket}/${prefix}`;
  const details = {
    why: `${endpoint ?? "AWS"}: ${messageOf(error) || name}`,
    exitCode: ExitCode.hostNotReady,
    cause: error,
  };
  if (name === "NoSuchBucket")
    return new UserError(`there is no bucket "${bucket}"`, {
      ...details,
      fix: "create it (aws s3 mb), or correct the class's `state`",
    });
  if (CREDENTIALS.test(name))
    return new UserError(
      `the shared state ${place} can't be read: the credentials are missing or not accepted`,
      {
        ...details,
        fix: "run `aws configure` or `aws sso login`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; check this machine's clock",
      },
    );
  if (status === 403)
    return new UserError(`the shared state ${place} can't be used: the permission is missing`, {
      ...details,
      fix: "allow s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket there",
    });
  return new UserError(`the shared state ${place} can't be looked at`, {
    ...details,
    fix: "check the network, and region and endpoint of the class's `state`; then run it again",
  });
}
