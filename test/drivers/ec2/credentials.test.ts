import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ExitCode } from "../../../base/errors.js";
import { awsCredentials, awsRegion } from "../../../drivers/ec2/credentials.js";
import { sshFromAddress } from "../../../seats/ssh-from.js";

let HOME: string;
beforeAll(async () => {
  HOME = await mkdtemp(join(tmpdir(), "trilab-aws-"));
  await mkdir(join(HOME, ".aws"));
  await writeFile(
    join(HOME, ".aws", "credentials"),
    "[work]\naws_access_key_id = A\naws_secret_access_key = B\n[empty]\n",
  );
  await writeFile(
    join(HOME, ".aws", "config"),
    "[default]\nregion = eu-west-1 ; home\ns3 =\n  region = nested\n[profile work]\nregion=eu-north-1\n[profile sso]\nsso_session = s\n[sso-session s]\nsso_region = eu-west-3\n",
  );
});
afterAll(() => rm(HOME, { recursive: true }));

describe("AWS credentials", () => {
  it.each([
    [{ AWS_ACCESS_KEY_ID: "A", AWS_SECRET_ACCESS_KEY: "B" }, "the environment"],
    [{ AWS_WEB_IDENTITY_TOKEN_FILE: "/t" }, "a web identity token"],
    [{ AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://localhost" }, "the container's endpoint"],
    [{ AWS_PROFILE: "work" }, 'the profile "work"'],
    [{ AWS_PROFILE: "sso" }, 'the profile "sso"'],
    [{ AWS_PROFILE: "empty" }, undefined],
    [{ AWS_PROFILE: "nobody" }, undefined],
    [{ AWS_ACCESS_KEY_ID: "A" }, undefined],
    [{}, undefined],
  ])("with %j come from %s", async (env, from) => {
    expect(await awsCredentials({ HOME, ...env })).toBe(from);
  });
});

describe("the AWS region", () => {
  it.each([
    ["us-east-1", { AWS_REGION: "eu-south-1" }, "us-east-1"],
    [undefined, { AWS_REGION: "eu-south-1" }, "eu-south-1"],
    [undefined, { AWS_DEFAULT_REGION: "eu-south-2" }, "eu-south-2"],
    [undefined, { AWS_PROFILE: "work" }, "eu-north-1"],
    [undefined, {}, "eu-west-1"],
  ])("given %s and %j is %s", async (given, env, region) => {
    expect(await awsRegion(given, { HOME, ...env })).toBe(region);
  });

  it("is not guessed", async () => {
    await expect(awsRegion(undefined, { HOME: "/nowhere" })).rejects.toMatchObject({
      exitCode: ExitCode.usage,
    });
  });
});

describe("the learner's address", () => {
  it.each(["203.0.113.7", "203.0.113.7/32"])("%s is taken as the only one", async (given) => {
    expect(await sshFromAddress(given)).toBe("203.0.113.7/32");
  });

  it.each(["0.0.0.0/0", "203.0.113.0/24", "example.org", "2001:db8::1", ""])(
    "%j is refused",
    async (given) => {
      await expect(sshFromAddress(given)).rejects.toMatchObject({ exitCode: ExitCode.usage });
    },
  );
});
