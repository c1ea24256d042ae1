import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { repoDir } from "../../../base/paths.js";
import { versions } from "../../../engine/versions.js";
import { instance } from "../../../plugins/aws/instance.js";
import { requestOf } from "../../../plugins/aws/instance-request.js";
import { clientToken } from "../../../plugins/aws/instance-run.js";
import type { InstanceInputs } from "../../../plugins/aws/instance-schema.js";
import { standIn } from "../../../plugins/aws/manifest.js";
import { check } from "../../../plugins/harness/check.js";
import { diff } from "../../../plugins/harness/diff.js";
import type { PropertyMap } from "../../../plugins/harness/values.js";

const urn = "urn:pulumi:ann::trilab::aws:ec2/instance:Instance::machine";
const inputs = {
  ami: "ami-1",
  instanceType: "t3.micro",
  subnetId: "subnet-1",
  vpcSecurityGroupIds: ["sg-1", "sg-2"],
  userData: "#cloud-config\n",
  metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 1 },
  rootBlockDevice: { encrypted: true, volumeType: "gp3", volumeSize: 8, tags: { a: "1" } },
  tags: { a: "1" },
} satisfies InstanceInputs;

/** What a read of it gives: AWS fills in the rest. */
const state: PropertyMap = {
  ...inputs,
  vpcSecurityGroupIds: ["sg-2", "sg-1"],
  metadataOptions: { ...inputs.metadataOptions, httpEndpoint: "enabled", instanceMetadataTags: "disabled" },
  rootBlockDevice: { ...inputs.rootBlockDevice, volumeId: "vol-1", iops: 3000, deleteOnTermination: true },
  instanceInitiatedShutdownBehavior: "stop",
  monitoring: false,
};
const changes = (news: PropertyMap) =>
  Object.fromEntries(
    [...diff(instance, state, inputs, { ...inputs, ...news })].map(([k, v]) => [k, v.replace]),
  );
const failures = (news: PropertyMap) =>
  check(instance, standIn, urn, {}, { ...inputs, ...news }).failures.map(({ property }) => property);

describe("an instance's inputs", () => {
  test("what AWS fills in is no change", () => expect(changes({})).toEqual({}));

  test.each<[string, PropertyMap, Record<string, boolean>]>([
    ["type", { instanceType: "t3.small" }, { instanceType: true }],
    ["user data", { userData: "#cloud-config\nx" }, { userData: true }],
    ["image", { ami: "ami-2" }, { ami: true }],
    ["tags", { tags: { a: "2" } }, { tags: false }],
    ["firewall", { vpcSecurityGroupIds: ["sg-3"] }, { vpcSecurityGroupIds: false }],
    [
      "shutdown",
      { instanceInitiatedShutdownBehavior: "terminate" },
      { instanceInitiatedShutdownBehavior: false },
    ],
    ["hop limit", { metadataOptions: { httpPutResponseHopLimit: 2 } }, { metadataOptions: false }],
    [
      "volume tags",
      { rootBlockDevice: { ...inputs.rootBlockDevice, tags: { a: "2" } } },
      { rootBlockDevice: false },
    ],
    [
      "volume size",
      { rootBlockDevice: { ...inputs.rootBlockDevice, volumeSize: 9 } },
      { rootBlockDevice: true },
    ],
    ["spot", { instanceMarketOptions: { marketType: "spot" } }, { instanceMarketOptions: true }],
  ])("%s: in place or anew", (_what, news, wanted) => expect(changes(news)).toEqual(wanted));

  test.each<[PropertyMap, string[]]>([
    [{}, []],
    [{ userDataBase64: "eA==" }, ["userDataBase64"]],
    [{ volumeTags: { a: "1" } }, ["volumeTags"]],
    [{ tags: { "aws:x": "1" } }, ["tags"]],
    [{ metadataOptions: { httpPutResponseHopLimit: 65 } }, ["metadataOptions.httpPutResponseHopLimit"]],
    [
      { instanceMarketOptions: { spotOptions: { spotInstanceType: "persistent" } } },
      ["instanceMarketOptions.spotOptions.spotInstanceType"],
    ],
    [{ iamInstanceProfile: "x", nonsense: 1 }, ["iamInstanceProfile", "nonsense"]],
  ])("%j: %j", (news, wanted) => expect(failures(news).sort()).toEqual(wanted));
});

describe("the launch", () => {
  test("tags go with it, and a public address is said of the interface", () => {
    const request = requestOf({ ...inputs, associatePublicIpAddress: true }, "/dev/xvda");
    expect(request.TagSpecifications?.map((item) => item.ResourceType)).toEqual([
      "instance",
      "network-interface",
      "volume",
    ]);
    expect(request.NetworkInterfaces).toMatchObject([
      {
        AssociatePublicIpAddress: true,
        SubnetId: "subnet-1",
        Groups: ["sg-1", "sg-2"],
        DeleteOnTermination: true,
      },
    ]);
    expect(request).not.toHaveProperty("SubnetId");
    expect(request.BlockDeviceMappings).toMatchObject([
      { DeviceName: "/dev/xvda", Ebs: { Encrypted: true, VolumeType: "gp3", DeleteOnTermination: true } },
    ]);
  });

  test("spot is one-time, ends by termination, and its request is tagged", () => {
    const request = requestOf(
      { ...inputs, instanceMarketOptions: { marketType: "spot", spotOptions: { maxPrice: "0.01" } } },
      "/dev/xvda",
    );
    expect(request.InstanceMarketOptions).toMatchObject({
      MarketType: "spot",
      SpotOptions: {
        SpotInstanceType: "one-time",
        InstanceInterruptionBehavior: "terminate",
        MaxPrice: "0.01",
      },
    });
    expect(request.TagSpecifications?.map((item) => item.ResourceType)).toContain("spot-instances-request");
  });

  test("its token is the same for the same resource behind the same firewall, and for nothing else", () => {
    const token = clientToken(urn, inputs, 0);
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    const shuffled = { ...inputs, vpcSecurityGroupIds: ["sg-2", "sg-1"], tags: { expires: "later" } };
    expect(clientToken(urn, shuffled, 0)).toBe(token);
    expect(clientToken(urn, inputs, 1)).not.toBe(token);
    expect(clientToken(`${urn}2`, inputs, 0)).not.toBe(token);
    expect(clientToken(urn, { ...inputs, vpcSecurityGroupIds: ["sg-3"] }, 0)).not.toBe(token);
    expect(clientToken(urn, { ...inputs, vpcSecurityGroupIds: [] }, 0)).toBeUndefined();
  });
});

test("the stand-in, the engine and the SDK are of one version", async () => {
  const sdk = await readFile(join(repoDir, "node_modules/@pulumi/aws/package.json"), "utf8");
  expect([standIn.version, versions.aws]).toEqual([JSON.parse(sdk).version, JSON.parse(sdk).version]);
});
