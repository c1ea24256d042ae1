import { join } from "node:path";
import { folderNames } from "../base/files.js";
import { stateDir } from "../base/paths.js";
import type { SeatId } from "../model/naming.js";
import { listRuns } from "../report/run-store.js";
import { attemptsText, parseAttempts } from "./attempts.js";
import type { Work } from "./grade.js";

/** The seats with a record of attempts here, up or not, sorted. */
export async function workedIn(lab?: string): Promise<SeatId[]> {
  const root = join(stateDir(), "attempts");
  const seats: SeatId[] = [];
  for (const name of lab === undefined ? await folderNames(root) : [lab])
    for (const seat of await folderNames(join(root, name)))
      if ((await attemptsText({ lab: name, seat })) !== "") seats.push({ lab: name, seat });
  return seats;
}

/** A seat's work, as a submission would hold it. */
export async function workOf(id: SeatId): Promise<Work> {
  const attempts = await attemptsText(id);
  const { entries } = parseAttempts(attempts);
  const runs = (await listRuns(id.lab, id.seat)).flatMap(({ run }) => run ?? []);
  return { ...id, labDigest: entries.at(-1)?.lab ?? "", attempts, runs };
}
