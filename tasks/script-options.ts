import type { Lab } from "../labs/load-lab.js";
import type { Task } from "../labs/task-schema.js";
import { drawValues, type Values } from "../labs/variables.js";
import type { Target } from "../model/naming.js";
import type { SeatRecord } from "../seats/seat-record.js";
import { seatKey } from "./attempts.js";

/* What a lab's scripts run with: values, target, time. */

/** A seat's values of its lab's variables. */
export const valuesOf = async (lab: Pick<Lab, "name" | "vars">, seat: string): Promise<Values> =>
  drawValues(lab.vars, lab.name, await seatKey({ lab: lab.name, seat }));

/** Where a task is checked. */
export const targetOf = ({ on }: Pick<Task, "on">, { targets }: Pick<Lab, "targets">): Target =>
  on ?? targets[0] ?? "container";

/** How many times as long a script may take in an emulated target. */
const EMULATED = 3;

/** How long a script may take in a target: longer if that is emulated. In seconds. */
export const limitIn = ({ accelerator }: SeatRecord, target: Target, seconds: number): number =>
  target !== "container" && accelerator === "tcg" ? seconds * EMULATED : seconds;
