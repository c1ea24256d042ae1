import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { ExitCode, UserError } from "../../base/errors.js";

type Environment = Readonly<Record<string, string | undefined>>;
type Profile = Readonly<Record<string, string | undefined>>;

/**
 * Where AWS credentials would come from, without asking AWS: the environment, a container's or a token's endpoint, or the
 * profile in the shared files. Whether they are any good, AWS says at the first call. An instance's own role is not looked
 * for: asking for one takes seconds wherever there is none.
 *
 * @returns `undefined` where there are none.
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
 * @throws UserError (exit 2) where nothing names one: which country's prices and laws apply is not ours to guess.
 */
export async function awsRegion(given: string | undefined, env: Environment = process.env): Promise<string> {
  const named = given || env.AWS_REGION || env.AWS_DEFAULT_REGION;
  if (named) return named;
  const [, config] = await profileSettings(env, env.AWS_PROFILE || "default");
  if (config?.region) return config.region;
  throw new UserError("no AWS region is named", {
    why: "the lab names none (vps.region), nor do AWS_REGION, AWS_DEFAULT_REGION and the profile's settings",
    fix: "name one: AWS_REGION=eu-central-1 trilab up …, or vps.region in lab.yaml",
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
