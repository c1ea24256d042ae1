import {
  DescribeInstancesCommand,
  type EC2Client,
  type Instance,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { UserError } from "../../base/errors.js";
import { awsError, isGone, lookUp } from "./errors.js";
import { until } from "./wait.js";

/** How long an instance may take to start, and to terminate, in seconds. */
const RUNNING_S = 600;
const TERMINATED_S = 600;
/** How long it may take to stop: AWS gives its system some minutes to end by itself. In seconds. */
const STOPPED_S = 900;

/** Whether an instance is terminating or gone: AWS lists it for about another hour. */
export const isDead = (instance: Instance): boolean =>
  ["shutting-down", "terminated"].includes(instance.State?.Name ?? "");

/** The instance as AWS has it, even if it is terminated; undefined when AWS doesn't know it. */
export async function describe(
  client: EC2Client,
  id: string,
): Promise<{ instance: Instance; owner: string | undefined } | undefined> {
  const answer = await lookUp(`instance ${id} could not be read`, () =>
    client.send(new DescribeInstancesCommand({ InstanceIds: [id] })),
  );
  const reservation = answer?.Reservations?.[0];
  const instance = reservation?.Instances?.[0];
  return instance && { instance, owner: reservation?.OwnerId };
}

/** @throws UserError with the reason AWS gives when it ends instead. */
export async function running(client: EC2Client, id: string, signal: AbortSignal): Promise<Instance> {
  const what = `instance ${id} did not start`;
  return until(what, RUNNING_S, signal, async () => {
    const there = await describe(client, id);
    // Not visible yet: AWS needs a moment until it is known everywhere.
    if (!there) return undefined;
    const { instance } = there;
    if (instance.State?.Name === "running") return instance;
    if (!isDead(instance)) return undefined;
    const { Code = "Unknown", Message = "AWS terminated it" } = instance.StateReason ?? {};
    throw new UserError(what, {
      why: `${Code}: ${Message}`,
      fix: "choose another availability zone or instance type, or check the key of the encrypted volume",
    });
  });
}

/** Waits until it is off and can be started. @throws UserError when it is terminated instead. */
export async function stopped(client: EC2Client, id: string, signal: AbortSignal): Promise<void> {
  const what = `instance ${id} did not stop`;
  await until(what, STOPPED_S, signal, async () => {
    const there = await describe(client, id);
    if (there?.instance.State?.Name === "stopped") return true;
    if (there && !isDead(there.instance)) return undefined;
    throw new UserError(what, {
      why: there?.instance.StateReason?.Message ?? "AWS terminated it",
      fix: "trilab up makes it anew; what was on its disk is lost",
    });
  });
}

/** Terminates it and waits, so that its firewall and subnet can be removed. Succeeds if it is already gone. */
export async function terminate(client: EC2Client, id: string, signal: AbortSignal): Promise<void> {
  const what = `instance ${id} could not be terminated`;
  try {
    await client.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
  } catch (error) {
    if (isGone(error)) return;
    throw awsError(what, error);
  }
  await until(what, TERMINATED_S, signal, async () => {
    const there = await describe(client, id);
    return !there || there.instance.State?.Name === "terminated" ? true : undefined;
  });
}
