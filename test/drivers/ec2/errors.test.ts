import { describe, expect, test } from "vitest";
import { ExitCode, UserError } from "../../../base/errors.js";
import {
  asking,
  awsError,
  codeOf,
  isGone,
  lacksCapacity,
  lookUp,
  noteAction,
} from "../../../drivers/ec2/errors.js";

/** As the SDK throws what AWS answered. */
const refused = (code: string, message = "because"): Error =>
  Object.assign(new Error(message), { name: code, $metadata: { attempts: 1 } });
/** As Node throws what didn't get there. */
const network = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code, $metadata: {} });

describe("awsError", () => {
  test.each([
    ["ExpiredToken", /credentials have expired/, /sign in again/],
    ["RequestExpired", /credentials have expired/, /clock/],
    ["RequestTimeTooSkewed", /signature/, /clock/],
    ["SignatureDoesNotMatch", /signature/, /clock/],
    ["AuthFailure", /doesn't accept the credentials/, /access key/],
    ["RequestLimitExceeded", /slow down/, /a minute/],
    ["VcpuLimitExceeded", /quota/, /Service Quotas/],
    ["MaxSpotInstanceCountExceeded", /quota/, /Service Quotas/],
    ["InsufficientInstanceCapacity", /no capacity for such a machine/, /another availability zone/],
    ["InvalidAMIID.NotFound", /image isn't there/, /of this region/],
    ["OptInRequired", /can't be used yet/, /opt in/],
    ["InvalidParameterValue", /^x$/, /change the inputs/],
  ])("%s", (code, what, fix) => {
    const error = awsError("x", refused(code));
    expect(error.message).toMatch(what);
    expect(error.why).toBe(`${code}: because`);
    expect(error.fix).toMatch(fix);
    expect(codeOf(error)).toBe(code);
  });

  test.each([
    ["CredentialsProviderError", ExitCode.hostNotReady],
    ["ExpiredToken", ExitCode.hostNotReady],
    ["SignatureDoesNotMatch", ExitCode.hostNotReady],
    ["AuthFailure", ExitCode.hostNotReady],
    ["ENOTFOUND", ExitCode.hostNotReady],
    ["ECONNREFUSED", ExitCode.hostNotReady],
    ["UnauthorizedOperation", ExitCode.failed],
    ["VcpuLimitExceeded", ExitCode.failed],
  ])("%s: exit %i", (code, exitCode) => {
    expect(awsError("x", refused(code)).exitCode).toBe(exitCode);
  });

  test("names the missing action: from AWS's words, else from the call", () => {
    const told = refused(
      "UnauthorizedOperation",
      "User: x is not authorized to perform: ec2:CreateTags on resource: y. Encoded authorization failure message: AbC",
    );
    noteAction(told, "RunInstancesCommand");
    expect(awsError("x", told).message).toBe("x: the permission is missing: ec2:CreateTags");
    expect(awsError("x", told).why).not.toContain("AbC");
    const untold = noteAction(refused("UnauthorizedOperation"), "RunInstancesCommand");
    expect(awsError("x", untold).message).toBe("x: the permission is missing: ec2:RunInstances");
  });

  test.each([
    ["ENOTFOUND", /endpoint does not exist/],
    ["ECONNREFUSED", /can't be reached/],
    ["ETIMEDOUT", /can't be reached/],
  ])("%s keeps the state", (code, what) => {
    const error = awsError("x", network(code));
    expect(error.message).toMatch(what);
    expect(error.fix).toContain("the state is unchanged");
  });

  test("no credentials, no region", () => {
    const none = Object.assign(new Error("Could not load"), { name: "CredentialsProviderError" });
    expect(awsError("x", none).fix).toContain("AWS_PROFILE");
    expect(awsError("x", new Error("Region is missing")).message).toBe("x: no AWS region is chosen");
  });

  test("what is ours passes as it is", () => {
    const ours = new UserError("ours");
    expect(awsError("x", ours)).toBe(ours);
  });
});

test("only an answer that says so is 'gone'", async () => {
  for (const code of ["InvalidInstanceID.NotFound", "InvalidGroup.NotFound", "Gateway.NotAttached"])
    expect(isGone(refused(code))).toBe(true);
  for (const error of [refused("AuthFailure"), network("ENOTFOUND"), new Error("NotFound")])
    expect(isGone(error)).toBe(false);
  const throwing = (error: Error) => () => Promise.reject(error);
  expect(await lookUp("x", throwing(refused("InvalidVpcID.NotFound")))).toBeUndefined();
  await expect(lookUp("x", throwing(network("ECONNREFUSED")))).rejects.toThrow("x: EC2 can't be reached");
  await expect(asking("x", throwing(refused("InvalidVpcID.NotFound")))).rejects.toThrow("x");
});

test("a lack of machines is told from all else, by whoever tells it", () => {
  const told = (why: string) => new UserError("up failed", { why });
  for (const error of [
    refused("InsufficientInstanceCapacity"),
    awsError("x", refused("InsufficientInstanceCapacity")),
    told("alice-vps-instance: Server.InsufficientInstanceCapacity: none left\nalice: and more"),
  ])
    expect(lacksCapacity(error)).toBe(true);
  for (const error of [
    refused("InstanceLimitExceeded"),
    told("VcpuLimitExceeded: no"),
    new Error("x"),
    undefined,
  ])
    expect(lacksCapacity(error)).toBe(false);
});
