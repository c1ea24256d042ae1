import { type ChildProcess, spawn } from "node:child_process";
import { access, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { EC2Client } from "@aws-sdk/client-ec2";
import type { S3Client } from "@aws-sdk/client-s3";
import { execa } from "execa";
import { UserError } from "../../base/errors.js";
import { withLock } from "../../base/lock.js";
import { cacheDir } from "../../base/paths.js";
import { connect } from "../../drivers/ec2/client.js";

/** Pinned: what moto answers is what the tests expect. */
const VERSION = "5.2.5";
const START_MS = 60_000;

/** moto's API of EC2, S3 and Service Quotas on 127.0.0.1: AWS without an account, for as long as a test file runs. */
export interface Moto {
  /** `http://127.0.0.1:…` */
  endpoint: string;
  /** What a program needs to take it for AWS: credentials, region and endpoint. */
  env: Record<string, string>;
  /** A client of its own, to look at what is there or do something by hand. */
  client: EC2Client;
  stop(): Promise<void>;
}

/** What makes any program's AWS SDK talk to this endpoint, and to nothing else. */
export const awsEnv = (endpoint: string): Record<string, string> => ({
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  AWS_REGION: "eu-central-1",
  AWS_ENDPOINT_URL_EC2: endpoint,
  AWS_ENDPOINT_URL_SERVICE_QUOTAS: endpoint,
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_CONFIG_FILE: "/dev/null",
  AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
});

async function s3Client({ endpoint, env }: Moto): Promise<S3Client> {
  const { S3Client: Client } = await import("@aws-sdk/client-s3");
  const { AWS_ACCESS_KEY_ID: key = "", AWS_REGION: region = "", AWS_SECRET_ACCESS_KEY: secret = "" } = env;
  const credentials = { accessKeyId: key, secretAccessKey: secret };
  return new Client({ region, endpoint, forcePathStyle: true, credentials });
}

/** Makes an S3 bucket. */
export async function makeBucket(moto: Moto, name: string): Promise<void> {
  const { CreateBucketCommand } = await import("@aws-sdk/client-s3");
  const place = { LocationConstraint: "eu-central-1" as const };
  const command = new CreateBucketCommand({ Bucket: name, CreateBucketConfiguration: place });
  await (await s3Client(moto)).send(command);
}

/** All objects of a bucket, by key. */
export async function readBucket(moto: Moto, name: string): Promise<Map<string, Buffer>> {
  const { GetObjectCommand, ListObjectsV2Command } = await import("@aws-sdk/client-s3");
  const client = await s3Client(moto);
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: name }));
  const objects = new Map<string, Buffer>();
  for (const { Key = "" } of Contents) {
    // It may be removed meanwhile.
    const object = await client.send(new GetObjectCommand({ Bucket: name, Key })).catch(() => undefined);
    const body = await object?.Body?.transformToByteArray();
    if (body) objects.set(Key, Buffer.from(body));
  }
  return objects;
}

/** Starts a moto of its own on a free port, with nothing in it but Debian's images and the default VPC. */
export async function startMoto(): Promise<Moto> {
  const child = spawn(await motoPython(), ["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"], {
    stdio: ["ignore", "ignore", "pipe"],
    env: {
      ...process.env,
      // Official Debian images as AWS lists them, and nothing else.
      MOTO_AMIS_PATH: join(import.meta.dirname, "moto-images.json"),
      // It then refuses what AWS would refuse.
      MOTO_ENABLE_AMI_VALIDATION: "true",
      MOTO_ENABLE_KEYPAIR_VALIDATION: "true",
      MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION: "true",
    },
  });
  const endpoint = await address(child);
  return {
    endpoint,
    env: awsEnv(endpoint),
    client: connect({ region: "eu-central-1", endpoint, accessKey: "test", secretKey: "test" }),
    stop: () =>
      new Promise((resolve) => {
        child.once("exit", () => resolve());
        if (child.exitCode !== null || !child.kill()) resolve();
      }),
  };
}

/** moto chooses the port and says so on stderr. */
function address(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`moto did not start within ${START_MS} ms`)), START_MS);
    const said: string[] = [];
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`moto ended with ${code}: ${said.join("\n")}`)));
    if (!child.stderr) return;
    // Read to the end: a full pipe would stop it.
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (said.length < 100) said.push(line);
      const [, url] = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(line) ?? [];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    });
  });
}

/** The Python that has moto: a virtual environment in the cache, made on first use (about a minute). */
async function motoPython(): Promise<string> {
  const dir = join(cacheDir(), "moto", VERSION);
  const python = join(dir, "bin/python");
  const complete = join(dir, "complete");
  const there = () =>
    access(complete).then(
      () => true,
      () => false,
    );
  if (await there()) return python;
  await withLock(
    join(cacheDir(), "moto.lock"),
    { what: "moto's installation", waitMs: 600_000 },
    async () => {
      if (await there()) return;
      await rm(dir, { recursive: true, force: true });
      await install(dir, python);
      await writeFile(complete, "");
    },
  );
  return python;
}

async function install(dir: string, python: string): Promise<void> {
  const requirement = `moto[server,ec2,s3]==${VERSION}`;
  const run = (file: string, ...args: string[]) => execa(file, args, { timeout: 600_000 });
  try {
    if (await execa("uv", ["--version"]).catch(() => undefined)) {
      await run("uv", "venv", "--quiet", dir);
      await run("uv", "pip", "install", "--quiet", "--python", python, requirement);
    } else {
      await run("python3", "-m", "venv", dir);
      await run(python, "-m", "pip", "install", "--quiet", requirement);
    }
  } catch (cause) {
    throw new UserError("moto, which plays AWS in the tests, could not be installed", {
      why: String(cause).slice(0, 2000),
      fix: "apt-get install python3-venv, and give pip a way to PyPI or a mirror; uv serves too",
      cause,
    });
  }
}
