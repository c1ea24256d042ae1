import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { ExitCode, UserError } from "../../base/errors.js";

type Environment = Readonly<Record<string, string | undefined>>;
type Profile = Readonly<Record<string, string | undefined>>;

/**
 * The source of AWS credentials, without contacting AWS: the environment, a container's or a token's endpoint, or the
 * profile in the shared files. Only the first call shows whether they are valid. An instance's own role is not considered,
 * because looking for one takes seconds if there is none.
 *
 * @returns `undefined` if there are none.
 */
export async function awsCredentials(env: Environment = process.env): Promise<string | undefined> {
  if (env.AWS_ACCESS_KEY_ID && env.AWS_SECRET_ACCESS_KEY) return "the environment";
  if (env.AWS_WEB_IDENTITY_TOKEN_FILE) return "a web identity token";
  if (env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI || env.AWS_CONTAINER_CREDENTIALS_FULL_URI)
    return "the container's endpoint";
  const profile = env.AWS_PROFILE || "default";
  const grants = /^(aws_access_key_id|role_arn|sso_session|sso_start_url|credential_process)$/;
  const found = (await profileSettings(env, profile)).some((settings) =>
    Object.keys(settings).some((key) => grants.test(key)),
  );
  return found ? `the profile "${profile}"` : undefined;
}

/**
 * The region to rent in: the one given, else the environment's or the profile's.
 *
 * @throws UserError (exit 2) if none is configured: trilab must not guess which country's prices and laws apply.
 */
export async function awsRegion(given: string | undefined, env: Environment = process.env): Promise<string> {
  const named = given || env.AWS_REGION || env.AWS_DEFAULT_REGION;
  if (named) return named;
  const [, config] = await profileSettings(env, env.AWS_PROFILE || "default");
  if (config?.region) return config.region;
  throw new UserError("no AWS region is configured", {
    why: "the lab has no vps.region, and AWS_REGION, AWS_DEFAULT_REGION and the profile's region are not set",
    fix: "set one: AWS_REGION=eu-central-1 trilab up …, or vps.region in lab.yaml",
    exitCode: ExitCode.usage,
  });
}

/** The settings of one profile, in the credentials file and in the configuration file; as AWS's own tools read them. */
async function profileSettings(env: Environment, profile: string): Promise<Profile[]> {
  const home = join(env.HOME || homedir(), ".aws");
  const filepath = env.AWS_SHARED_CREDENTIALS_FILE || join(home, "credentials");
  const configFilepath = env.AWS_CONFIG_FILE || join(home, "config");
  // Loaded only where there is something to read: every `up` asks.
  if (!existsSync(filepath) && !existsSync(configFilepath)) return [];
  const { loadSharedConfigFiles } = await import("@smithy/shared-ini-file-loader");
  const files = await loadSharedConfigFiles({ filepath, configFilepath, ignoreCache: true });
  return [files.credentialsFile, files.configFile].map((file) => file[profile] ?? {});
}
