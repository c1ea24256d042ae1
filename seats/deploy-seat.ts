import { existsSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "../base/lock.js";
import type { Progress } from "../base/progress.js";
import type { Sources } from "../drivers/inventory.js";
import { clearStaleLock, type Engine, openStack, stackLock, type UpResult } from "../engine/index.js";
import { type SeatId, seatPrefix } from "../model/naming.js";
import type { SeatSettings } from "../stacks/seat.js";
import { requireAccount } from "./account.js";
import { providerConfig } from "./ensure-host.js";
import { reconcile } from "./reconcile.js";
import { seatDir } from "./seat-record.js";
import { inSomeZone } from "./zones.js";

/** Holds a seat's lock while `body` works on it; its file goes with the seat. @throws UserError (exit 7) naming the holder. */
export const withSeatLock = <T>(id: SeatId, body: () => Promise<T>): Promise<T> => {
  const what = `seat "${id.seat}" of lab "${id.lab}"`;
  const isGone = async (): Promise<boolean> => !existsSync(join(seatDir(id), "seat.json"));
  return withLock(stackLock(seatPrefix(id)), { what, isGone }, body);
};

export interface DeployOptions {
  sources: Sources;
  /** Installed for these sources. */
  engine: Engine;
  progress: Progress;
}

/**
 * Brings the seat's stack up, whatever state an earlier run left it in. A seat that is up stays as it is.
 * The caller holds the seat's lock.
 */
export async function deploySeat(settings: SeatSettings, options: DeployOptions): Promise<UpResult> {
  const { engine, progress, sources } = options;
  const ref = { stack: seatPrefix(settings.ownership) };
  const { region, type } = settings.vps ?? {};
  if (region !== undefined) await requireAccount(settings.ownership, region, { clock: true });
  await clearStaleLock(ref);
  progress.update("looking at what is there");
  const { refresh } = await reconcile(settings.ownership, sources);
  // The SDKs take half a second to load: that is done while the engine starts.
  const up = (zone?: string): Promise<UpResult> => {
    const program = async () => (await import("../stacks/seat.js")).seatProgram({ ...settings, zone })();
    const config = providerConfig(settings.vps?.region);
    return openStack({ ...ref, engine, program, config, progress }).up({ refresh });
  };
  if (region === undefined || type === undefined) return up();
  return inSomeZone(up, { type: type.name, region, ref, progress });
}
