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
 * Rents where the seat's subnet is, or, where AWS has no such machine to give at the moment, in the next zone of the region.
 *
 * @param up Rents in this zone; without one in that of the subnet, else in the first that offers the type.
 * @throws UserError naming the zones when all refuse; what else `up` throws at once.
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
      // In the account's default network AWS itself chose, and does not say what.
      if (where !== undefined) refused.push(where);
      return undefined;
    }
  };
  const first = await attempt();
  if (first) return first;
  const offering = await connect({ kind: "ec2", region }).zonesOffering(type);
  const others = offering.filter((zone) => !refused.includes(zone));
  for (const zone of others) {
    progress.note(`AWS has no ${type} to give in ${refused.at(-1) ?? region} at the moment; trying ${zone}`);
    const result = await attempt(zone);
    if (result) return result;
  }
  throw new UserError(`AWS has no ${type} to give in ${region} at the moment`, {
    why: `every zone that offers it has refused (InsufficientInstanceCapacity): ${refused.join(", ")}`,
    fix: "try again later, or rent another type (vps.size), in another region (vps.region), or on demand where it was spot (vps.spot); what is there already goes with: trilab down",
  });
}

function subnetZone(checkpoint: Checkpoint | undefined): string | undefined {
  const subnet = checkpoint?.resources.find(({ type }) => type === "aws:ec2/subnet:Subnet");
  const zone = subnet?.inputs.availabilityZone;
  return typeof zone === "string" ? zone : undefined;
}
