import { UserError } from "../base/errors.js";
import type { Progress } from "../base/progress.js";
import { connect } from "../drivers/drivers.js";
import { lacksCapacity } from "../drivers/ec2/errors.js";
import { type Checkpoint, readCheckpoint, type StackRef, type UpResult } from "../engine/index.js";

/** What is to be rented, and the stack that holds it. */
export interface ZoneSearch {
  /** Instance type. */
  type: string;
  region: string;
  ref: StackRef;
  progress: Progress;
}

/**
 * Rents in the zone of the seat's subnet, or, if AWS has no capacity there, in the next zone of the region.
 *
 * @param up Rents in this zone; without a zone, in that of the subnet, else in the first that offers the type.
 * @throws UserError naming the zones when all refuse; passes on every other error of `up`.
 */
export async function inSomeZone(
  up: (zone?: string) => Promise<UpResult>,
  { type, region, ref, progress }: ZoneSearch,
): Promise<UpResult> {
  const refused: string[] = [];
  const attempt = async (zone?: string): Promise<UpResult | undefined> => {
    try {
      return await up(zone);
    } catch (error) {
      if (!lacksCapacity(error)) throw error;
      const where = zone ?? subnetZone(await readCheckpoint(ref));
      // In the account's default network, AWS chose the zone and does not report it.
      if (where !== undefined) refused.push(where);
      return undefined;
    }
  };
  const first = await attempt();
  if (first) return first;
  const offering = await connect({ kind: "ec2", region }).zonesOffering(type);
  const others = offering.filter((zone) => !refused.includes(zone));
  for (const zone of others) {
    progress.note(
      `AWS has no capacity for ${type} in ${refused.at(-1) ?? region} at the moment; trying ${zone}`,
    );
    const result = await attempt(zone);
    if (result) return result;
  }
  throw new UserError(`AWS has no capacity for ${type} in ${region} at the moment`, {
    why: `every zone that offers it has refused (InsufficientInstanceCapacity): ${refused.join(", ")}`,
    fix: "try again later, or rent another type (vps.size), in another region (vps.region), or on demand instead of spot (vps.spot); to remove what was made so far: trilab down",
  });
}

function subnetZone(checkpoint: Checkpoint | undefined): string | undefined {
  const subnet = checkpoint?.resources.find(({ type }) => type === "aws:ec2/subnet:Subnet");
  const zone = subnet?.inputs.availabilityZone;
  return typeof zone === "string" ? zone : undefined;
}
