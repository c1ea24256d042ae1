import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Progress } from "../base/progress.js";
import type { DomainDefinition } from "../components/libvirt-machine.js";
import type { Drivers } from "../drivers/drivers.js";
import { shutDownForChange, startAgain } from "../drivers/libvirt/redefinition.js";
import {
  clearStaleLock,
  createInFileBackend,
  type Engine,
  type EngineEvent,
  editState,
  loadAhead,
  openStack,
  ReplacementRefused,
  type StackHandle,
  type UpResult,
} from "../engine/index.js";
import { type SeatId, seatPrefix, type Target } from "../model/naming.js";
import { saveUnit, saveUnitSoon, sharedNow, withUnitLock } from "../shared/shared-state.js";
import type { SeatSettings } from "../stacks/seat.js";
import { requireAccount } from "./account.js";
import { editSeatState } from "./edit-state.js";
import { providerConfig } from "./ensure-host.js";
import { reconcile } from "./reconcile.js";
import { requireHere, seatDir, seatUnit } from "./seat-record.js";
import { silenceOf } from "./silence.js";
import { noteReplacement, type ReplaceReasons, wouldReplace } from "./would-replace-error.js";
import { inSomeZone } from "./zones.js";

/** Holds a seat's lock while `body` works on it. The lock file is removed with the seat. @throws UserError (exit 7) naming the holder. */
export const withSeatLock = <T>(id: SeatId, body: () => Promise<T>): Promise<T> => {
  const what = `seat "${id.seat}" of lab "${id.lab}"`;
  const isGone = async (): Promise<boolean> => !existsSync(join(seatDir(id), "seat.json"));
  return withUnitLock(seatUnit(id), { what, isGone }, async () => {
    await requireHere(id);
    return body();
  });
};

/** Loads what {@link deploySeat} needs (0.2 s of CPU), for a caller that has to wait for something else. */
export async function loadProgram(): Promise<void> {
  await loadAhead();
  await import("../stacks/seat.js");
}

export interface DeployOptions {
  drivers: Drivers;
  /** Installed for these drivers. */
  engine: Engine;
  progress: Progress;
  /** Nothing of the seat exists: the daemons were queried just now, when its record was made. Default: they are. */
  vacant?: boolean;
  /** Whether machines and disks may be replaced, with what is in them. */
  replace?: boolean;
  /** Ends the operation after the engine's current steps. */
  signal?: AbortSignal;
}

export interface Deployment extends UpResult {
  /** What was repaired without the engine, in words. */
  mended: string[];
  /** The targets whose machine was off and was started without the engine. */
  started: Target[];
}

/**
 * Brings the seat's stack up, whatever state an earlier run left it in. A seat that is up stays as it is.
 * The caller holds the seat's lock.
 */
export async function deploySeat(settings: SeatSettings, options: DeployOptions): Promise<Deployment> {
  const { drivers, engine, progress } = options;
  const ref = { stack: seatPrefix(settings.ownership) };
  const { type } = settings.vps ?? {};
  const region = drivers.ec2?.[0]?.region;
  if (region !== undefined) await requireAccount(settings.ownership, region, { clock: true });
  await clearStaleLock(ref);
  progress.update("looking at what is there");
  const found = options.vacant ? [] : undefined;
  const { mended, refresh, started } = await reconcile(settings.ownership, drivers, found);
  // If it may replace, the protection is set again afterwards.
  await editState(ref, (state) => editSeatState(state, { protect: options.replace !== true }));
  if (sharedNow() !== undefined) {
    // With a state in the bucket, however empty, another instructor knows that a seat that is half there was being made.
    await createInFileBackend(ref);
    await saveUnit(seatUnit(settings.ownership));
  }
  const { libvirt } = drivers;
  const stopped: string[] = [];
  const makeWay = async (wanted: DomainDefinition): Promise<void> => {
    if (libvirt && (await shutDownForChange(libvirt, wanted, progress))) stopped.push(wanted.name);
  };
  const stack = (zone?: string, onEvent?: (event: EngineEvent) => void): StackHandle => {
    const onMended = (what: string): void => void mended.push(what);
    const program = async () =>
      (await import("../stacks/seat.js")).seatProgram({
        ...settings,
        makeWay,
        zone,
        onMended,
        protect: true,
      })();
    const config = providerConfig(drivers);
    return openStack({
      ...{ ...ref, engine, program, load: loadProgram, config, progress },
      onEvent: (event) => {
        // Another instructor can go on from here if this machine is lost.
        if (event.resourcePreEvent || event.resOutputsEvent) saveUnitSoon(seatUnit(settings.ownership));
        onEvent?.(event);
      },
      askDaemons: silenceOf(drivers),
      ...(options.signal ? { signal: options.signal } : {}),
    });
  };
  const up = async (zone?: string): Promise<UpResult> => {
    try {
      return await stack(zone).up({ refresh });
    } catch (error) {
      if (!(error instanceof ReplacementRefused)) throw error;
      const reasons: ReplaceReasons = new Map();
      // The preview fails for the same reason, but reports what would change.
      await stack(zone, (event) => noteReplacement(reasons, event))
        .preview()
        .catch(() => {});
      throw wouldReplace(settings.ownership, error.urns, reasons);
    }
  };
  try {
    const result = await (region === undefined || type === undefined
      ? up()
      : inSomeZone(up, { type: type.name, region, ref, progress }));
    return { ...result, mended, started };
  } finally {
    // It was not replaced: the engine failed earlier, or somebody had changed its definition by hand.
    if (libvirt) await startAgain(libvirt, stopped);
  }
}
