import { readFile } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { hasCode, messageOf, UserError } from "../base/errors.js";
import { privateDir } from "../base/paths.js";
import type { SeatId } from "../model/naming.js";
import { type Prediction, predictionSchema } from "../probes/run-document.js";
import { seatDir } from "../seats/seat-record.js";

const file = (id: SeatId): string => join(seatDir(id), "prediction.json");

/** The seat's guesses; `undefined` if there are none. @throws UserError if they can't be read. */
export async function readPrediction(id: SeatId): Promise<Prediction | undefined> {
  let text: string;
  try {
    text = await readFile(file(id), "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
  try {
    return predictionSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new UserError(`the guesses of seat "${id.seat}" can't be read`, {
      why: `${file(id)} is damaged: ${messageOf(error).split("\n")[0]}`,
      fix: `guess again: trilab predict --lab ${id.lab} --seat ${id.seat}`,
      cause: error,
    });
  }
}

/** Stores the guesses atomically, beside the seat's record. `compare` copies them into its run. */
export async function savePrediction(id: SeatId, prediction: Prediction): Promise<void> {
  const dir = await privateDir(seatDir(id));
  const text = `${JSON.stringify(predictionSchema.parse(prediction))}\n`;
  await writeFileAtomic(join(dir, "prediction.json"), text, { mode: 0o600 });
}
