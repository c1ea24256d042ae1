import {
  type EC2Client,
  type Instance,
  ModifyInstanceAttributeCommand,
  StartInstancesCommand,
  StopInstancesCommand,
} from "@aws-sdk/client-ec2";
import { ExitCode, UserError } from "../../base/errors.js";
import { connect } from "./client.js";
import { asking } from "./errors.js";
import { describe, isDead, running } from "./instance.js";
import { until } from "./wait.js";
import { zonesOffering } from "./zones.js";

/** How long an instance may take to stop, in seconds. */
const STOPPED_S = 600;
/** How long all of it may take, in milliseconds. */
const LIMIT_MS = 20 * 60_000;

/** An instance after a change of its type. */
export interface Retyped {
  /** Whether it had to be changed. */
  changed: boolean;
  /** Its public address now; absent: it is off. AWS gives it another one when it starts. */
  address?: string | undefined;
  /** Seconds from the request to stop it until it ran again; absent: it was off before, and still is. */
  off?: number;
}

/**
 * Gives an instance another type, which AWS does only while it is off: stops it, changes it and starts it again. Its disk
 * stays. If AWS refuses the type, or has no such machine to give, the instance is started with its old one; if AWS refuses that, too,
 * it keeps the new one: see {@link typeOf}.
 *
 * @throws UserError (exit 2) when its zone does not offer the type; UserError with AWS's reason.
 */
export async function changeType(
  { id, region }: { id: string; region: string },
  type: string,
): Promise<Retyped> {
  const client = connect({ region });
  const signal = AbortSignal.timeout(LIMIT_MS);
  const instance = await instanceNow(client, id);
  const former = instance.InstanceType ?? "";
  if (former === type) return { changed: false, address: instance.PublicIpAddress };
  await requireOffer(instance, type, region);
  const ran = ["pending", "running"].includes(instance.State?.Name ?? "");
  const began = performance.now();
  if (ran) await stop(client, id);
  await until(`instance ${id} did not stop`, STOPPED_S, signal, async () =>
    (await instanceNow(client, id)).State?.Name === "stopped" ? true : undefined,
  );
  try {
    await modify(client, id, type);
    if (!ran) return { changed: true };
    const { PublicIpAddress: address } = await start(client, id, signal);
    return { changed: true, address, off: (performance.now() - began) / 1000 };
  } catch (error) {
    await modify(client, id, former).catch(() => {}); // It may have it still.
    if (ran) await start(client, id, signal);
    throw error;
  }
}

/** The type that an instance has; `undefined` when it is gone. @throws UserError with AWS's reason. */
export async function typeOf({ id, region }: { id: string; region: string }): Promise<string | undefined> {
  const instance = (await describe(connect({ region }), id))?.instance;
  return instance && !isDead(instance) ? instance.InstanceType : undefined;
}

/** @throws UserError (exit 2) when the instance's zone has no such type: it would be noticed only when the machine is off. */
async function requireOffer(
  { InstanceId, Placement }: Instance,
  type: string,
  region: string,
): Promise<void> {
  const zone = Placement?.AvailabilityZone ?? "";
  const zones = await zonesOffering(type, region);
  if (zones.includes(zone)) return;
  throw new UserError(`instance ${InstanceId} can't become a ${type}`, {
    why: `the zone ${zone} does not offer this type; ${zones.length > 0 ? `${zones.join(", ")} do` : `no zone of ${region} does`}, and an instance can't move`,
    fix: "ask for more or less memory or CPUs",
    exitCode: ExitCode.usage,
  });
}

const modify = (client: EC2Client, id: string, type: string): Promise<unknown> =>
  asking(`instance ${id} could not become a ${type}`, () =>
    client.send(new ModifyInstanceAttributeCommand({ InstanceId: id, InstanceType: { Value: type } })),
  );

/** @throws UserError when it is gone, or going. */
async function instanceNow(client: EC2Client, id: string): Promise<Instance> {
  const instance = (await describe(client, id))?.instance;
  if (instance && !isDead(instance)) return instance;
  throw new UserError(`instance ${id} is gone`, {
    why: "AWS has terminated it, or it ended itself",
    fix: "rent a new one: trilab up",
  });
}

const stop = (client: EC2Client, id: string): Promise<unknown> =>
  asking(`instance ${id} could not be stopped`, () =>
    client.send(new StopInstancesCommand({ InstanceIds: [id] })),
  );

async function start(client: EC2Client, id: string, signal: AbortSignal): Promise<Instance> {
  await asking(`instance ${id} could not be started`, () =>
    client.send(new StartInstancesCommand({ InstanceIds: [id] })),
  );
  return running(client, id, signal);
}
