import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { DescribeVpcsCommand } from "@aws-sdk/client-ec2";
import { describe, expect, test } from "vitest";
import { connect } from "../../../drivers/ec2/client.js";
import { asking } from "../../../drivers/ec2/errors.js";
import { standIn } from "../../../plugins/aws/manifest.js";
import { parts } from "../../../plugins/aws/provider.js";
import { StandIn } from "../../../plugins/harness/provider.js";
import type { PropertyMap } from "../../../plugins/harness/values.js";

const provider = () => new StandIn(standIn, async () => parts);
const vpc = "urn:pulumi:ann::trilab::aws:ec2/vpc:Vpc::net";
const association = "urn:pulumi:ann::trilab::aws:ec2/routeTableAssociation:RouteTableAssociation::r";

describe("the provider's configuration", () => {
  test.each<[string, PropertyMap, string[]]>([
    ["nothing", {}, []],
    [
      "as the SDK writes it",
      { region: "eu-central-1", skipCredentialsValidation: "false", defaultTags: "undefined" },
      [],
    ],
    [
      "endpoints as JSON text",
      { endpoints: '[{"ec2":"http://127.0.0.1:5000"}]', s3UsePathStyle: "true" },
      [],
    ],
    ["another service's endpoint", { endpoints: [{ rds: "http://127.0.0.1" }] }, ["endpoints[0].rds"]],
    ["an unknown input", { assumeRoles: "[]" }, ["assumeRoles"]],
    ["a flag that is none", { skipMetadataApiCheck: "perhaps" }, ["skipMetadataApiCheck"]],
    ["a region that is none", { region: "Frankfurt" }, [""]],
    ["half a key", { accessKey: "AKIA" }, [""]],
  ])("%s", async (_what, config, wanted) => {
    const { failures } = await provider().checkConfig(config);
    expect(failures.map(({ property }) => property)).toEqual(wanted);
  });

  test("default tags become inputs of whatever has tags; its own win", async () => {
    const standing = provider();
    standing.configure({ defaultTags: '{"tags":{"course":"one","a":"default"}}' });
    const made = await standing.check(vpc, {}, { cidrBlock: "10.0.0.0/16", tags: { a: "own" } });
    expect(made).toEqual({
      inputs: { cidrBlock: "10.0.0.0/16", tags: { course: "one", a: "own" } },
      failures: [],
    });
    const untagged = await standing.check(association, {}, { routeTableId: "rtb-1", subnetId: "subnet-1" });
    expect(untagged).toEqual({ inputs: { routeTableId: "rtb-1", subnetId: "subnet-1" }, failures: [] });
  });
});

describe("data sources", () => {
  test("an unknown argument is refused, an unknown function named", async () => {
    const { failures } = await provider().invoke("aws:ec2/getAmi:getAmi", {
      mostRecent: true,
      uefiData: "x",
    });
    expect(failures.map(({ property }) => property)).toEqual(["uefiData"]);
    await expect(provider().invoke("aws:ec2/getVpc:getVpc", {})).rejects.toThrow(
      "aws:ec2/getVpc:getVpc is not supported",
    );
  });
});

test("a client names what makes no sense before any call", async () => {
  expect(() => connect({ region: "Frankfurt" })).toThrow('"Frankfurt" is not a region');
  expect(() => connect({ endpoint: "127.0.0.1:5000" })).toThrow("is not an endpoint");
  expect(() => connect({ secretKey: "x" })).toThrow("incomplete");
  const client = connect({ region: "us-gov-west-1", accessKey: "a", secretKey: "b", token: "c" });
  expect(await client.config.credentials()).toMatchObject({ accessKeyId: "a", sessionToken: "c" });
});

test("a request that nobody answers ends the call after three tries, and says so", async () => {
  let requests = 0;
  const server = createServer(() => {
    requests += 1;
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = connect({
    region: "eu-central-1",
    endpoint,
    accessKey: "a",
    secretKey: "b",
    answerMs: 100,
  });
  try {
    await expect(
      asking("the VPCs could not be listed", () => client.send(new DescribeVpcsCommand({}))),
    ).rejects.toMatchObject({
      message: "the VPCs could not be listed: AWS does not answer",
      why: "NoAnswer: no answer, 3 times",
      exitCode: 3,
    });
    expect(requests).toBe(3);
  } finally {
    client.destroy();
    server.closeAllConnections();
    server.close();
  }
});
