import { StartInstancesCommand, StopInstancesCommand } from "@aws-sdk/client-ec2";
import type { Ending, StopOptions } from "../stop-options.js";
import { connect } from "./client.js";
import { asking } from "./errors.js";
import { running, stopped } from "./instance.js";

/** An instance, and where it is. */
interface Where {
  id: string;
  region: string;
}

/** Starts an instance that is stopped or stopping, and waits until it runs and has its new public address. */
export async function startInstance({ id, region }: Where, state: string): Promise<void> {
  const client = connect({ region });
  const { signal } = new AbortController();
  if (state === "stopping") await stopped(client, id, signal);
  await asking(`instance ${id} could not be started`, () =>
    client.send(new StartInstancesCommand({ InstanceIds: [id] })),
  );
  await running(client, id, signal);
}

/**
 * Stops an instance, and waits until it is off. AWS switches it off if it does not end by itself within minutes.
 *
 * @throws UserError with AWS's reason.
 */
export async function stopInstance(
  { id, region }: Where,
  { force = false, signal = new AbortController().signal }: StopOptions,
): Promise<Ending> {
  const client = connect({ region });
  await asking(`instance ${id} could not be stopped`, () =>
    client.send(new StopInstancesCommand({ InstanceIds: [id], Force: force })),
  );
  await stopped(client, id, signal);
  return force ? "forced" : "clean";
}
