import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { ExitCode, UserError } from "../../base/errors.js";

type Environment = Readonly<Record<string, string | undefined>>;

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
  const { credentials, config } = await sharedFiles(env);
  const grants = /^(aws_access_key_id|role_arn|sso_session|sso_start_url|credential_process)$/;
  const found = [section(credentials, profile), configSection(config, profile)].some((settings) =>
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
  const { config } = await sharedFiles(env);
  const region =
    given ||
    env.AWS_REGION ||
    env.AWS_DEFAULT_REGION ||
    configSection(config, env.AWS_PROFILE || "default").region;
  if (region) return region;
  throw new UserError("no AWS region is named", {
    why: "the lab names none (vps.region), nor do AWS_REGION, AWS_DEFAULT_REGION and the profile's settings",
    fix: "name one: AWS_REGION=eu-central-1 trilab up …, or vps.region in lab.yaml",
    exitCode: ExitCode.usage,
  });
}

async function sharedFiles(env: Environment): Promise<{ credentials: string; config: string }> {
  const home = join(env.HOME || homedir(), ".aws");
  const read = (path: string): Promise<string> => readFile(path, "utf8").catch(() => "");
  const [credentials, config] = await Promise.all([
    read(env.AWS_SHARED_CREDENTIALS_FILE || join(home, "credentials")),
    read(env.AWS_CONFIG_FILE || join(home, "config")),
  ]);
  return { credentials, config };
}

/** In the configuration file every profile but the default one is headed `[profile NAME]`. */
const configSection = (text: string, profile: string): Record<string, string> =>
  section(text, profile === "default" ? profile : `profile ${profile}`);

/** The settings below one heading of an INI file; nested ones (indented) are left out. */
function section(text: string, heading: string): Record<string, string> {
  const settings: Record<string, string> = {};
  let inside = false;
  for (const line of text.split("\n")) {
    const name = /^\[\s*(.+?)\s*\]/.exec(line)?.[1];
    if (name !== undefined) inside = name.replace(/\s+/g, " ") === heading;
    const pair = /^([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/.exec(line);
    if (inside && pair?.[1] !== undefined) settings[pair[1]] = pair[2] ?? "";
  }
  return settings;
}
