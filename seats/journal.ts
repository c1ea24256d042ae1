import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { hasCode } from "../base/errors.js";
import { privateDir } from "../base/paths.js";
import type { ContainerDefinition } from "../drivers/docker/recreate-container.js";
import type { SeatId, Target } from "../model/naming.js";
import { seatDir } from "./seat-record.js";

const containerSchema = z.custom<ContainerDefinition>(
  (value) => z.object({ container: z.looseObject({ name: z.string() }) }).safeParse(value).success,
);

/** A change of one machine, as far as it must be known to finish or undo it after it was interrupted. */
const changeSchema = z.discriminatedUnion("operation", [
  z.object({
    /** Its disk, or layer and home, and its memory are replaced. */
    operation: z.literal("replace"),
    /** By those of this snapshot; absent: as after the first start. */
    snapshot: z.string().optional(),
    /** What a container is made from: it is removed in between. */
    container: containerSchema.optional(),
    /** They are replaced, and it may have run since: it is only to be started. Absent: they are to be replaced. */
    made: z.literal(true).optional(),
  }),
  /** It is saved under this name. */
  z.object({ operation: z.literal("save"), snapshot: z.string() }),
]);
export type Change = z.infer<typeof changeSchema>;

const fileOf = (id: SeatId, target: Target): string => join(seatDir(id), `changing-${target}.json`);

/** Notes that a change begins, or how far it is. The caller holds the seat's lock. */
export async function beginChange(id: SeatId, target: Target, change: Change): Promise<void> {
  await privateDir(seatDir(id));
  await writeFileAtomic(fileOf(id, target), `${JSON.stringify(change)}\n`, { mode: 0o600 });
}

/** Notes that it is over. */
export const endChange = (id: SeatId, target: Target): Promise<void> =>
  rm(fileOf(id, target), { force: true });

/** The change of a machine that was begun and not ended; `undefined`: none, or of another version of trilab. */
export async function changeBegun(id: SeatId, target: Target): Promise<Change | undefined> {
  const text = await readFile(fileOf(id, target), "utf8").catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  });
  return text === undefined ? undefined : changeSchema.safeParse(JSON.parse(text)).data;
}
