import type { Ec2Endpoint } from "../../model/endpoint.js";
import { isAwsKind } from "../../model/kinds.js";
import type { SeatId } from "../../model/naming.js";
import type { Found, Inventory } from "../found.js";
import { closeConnections } from "../kept-connections.js";
import type { Ending, StopOptions } from "../stop-options.js";
import type { Caller } from "./caller.js";
import type { Retyped } from "./instance-type.js";
import type { Quota } from "./quotas.js";

/**
 * One region of EC2: all queries and actions of trilab outside the engine. The AWS SDK takes half a second to load, so each
 * method loads it when it is first called.
 */
export class Ec2Driver {
  constructor(readonly endpoint: Ec2Endpoint) {}

  get region(): string {
    return this.endpoint.region;
  }

  /** Checks that the region answers. @throws UserError with AWS's reason when it does not. */
  async preflight(): Promise<void> {
    await (await import("./inventory.js")).requireAws(this.region);
  }

  /** Whose credentials are in use, and how far this machine's clock is off. @throws UserError with AWS's reason. */
  async caller(): Promise<Caller> {
    return (await import("./caller.js")).caller(this.region);
  }

  /** One seat's things by tag; without a seat, those of every seat. */
  async inventory(seat?: SeatId): Promise<Inventory> {
    const { awsThings } = await import("./inventory.js");
    return { labelled: await awsThings(this.region, seat), named: [] };
  }

  /** Removes one thing, and waits until nothing uses it. Succeeds if it is already gone. */
  async remove({ kind, id, name }: Found): Promise<void> {
    if (!isAwsKind(kind)) throw new Error(`EC2 has no ${kind}`);
    await (await import("./removal.js")).removeAws(kind, { id, name, region: this.region });
  }

  /** Starts a stopped instance, and waits until it runs and has its new public address. */
  async start({ kind, id, state }: Found): Promise<void> {
    if (kind !== "instance") return;
    await (await import("./power.js")).startInstance({ id, region: this.region }, state);
  }

  /** Stops an instance, and waits until it is off: it keeps its disk, and loses its public address. */
  async stop({ id, kind, name, state }: Found, options: StopOptions): Promise<Ending> {
    if (kind !== "instance") throw new Error(`a ${kind} can't be stopped`);
    if (state === "stopped") return "off";
    const ending = await (await import("./power.js")).stopInstance({ id, region: this.region }, options);
    await closeConnections(name);
    return ending;
  }

  /** Sets a seat's expiry in the tags of all its things in AWS, ISO 8601 or `never`. @throws UserError. */
  async moveExpiry(seat: SeatId & { owner: string }, expires: string): Promise<void> {
    await (await import("./expiry.js")).tagExpiry(seat, this.region, expires);
  }

  /** Gives an instance another type; it is off meanwhile. See changeType(). @throws UserError with AWS's reason. */
  async changeType(id: string, type: string): Promise<Retyped> {
    return (await import("./instance-type.js")).changeType({ id, region: this.region }, type);
  }

  /** The type that an instance has; `undefined` when it is gone. @throws UserError with AWS's reason. */
  async typeOf(id: string): Promise<string | undefined> {
    return (await import("./instance-type.js")).typeOf({ id, region: this.region });
  }

  /** What rented seats count towards. As readQuotas(). @throws UserError with AWS's reason. */
  async quotas(options: { spot: boolean }): Promise<Quota[]> {
    return (await import("./quotas.js")).readQuotas(this.region, options);
  }

  /** The availability zones that offer an instance type, by name. @throws UserError with AWS's reason. */
  async zonesOffering(type: string): Promise<string[]> {
    return (await import("./zones.js")).zonesOffering(type, this.region);
  }
}
