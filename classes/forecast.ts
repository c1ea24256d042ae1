import { readFile } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { privateDir, stateDir } from "../base/paths.js";
import type { Target } from "../model/naming.js";
import type { SeatPlan } from "../seats/plan.js";
import { defaultWorkers, RENTALS_PER_SECOND } from "../seats/seats-at-once.js";
import type { ClassPlan } from "./plan-class.js";
import { rehearse, type SeatCosts } from "./rehearse.js";

/** What seats of one kind have taken, when they were last measured here. */
const measuredSchema = z.object({
  /** ISO 8601. */
  at: z.string(),
  costs: z.object({ control: z.number(), host: z.number(), image: z.number() }),
});
export type Measured = z.output<typeof measuredSchema>;
const fileSchema = z.record(z.string(), measuredSchema);

/** Seats that take the same: their lab, targets, and whether new guests are resumed. */
interface SeatKind {
  lab: string;
  targets: readonly Target[];
  resume: boolean;
}

/** The kind of one seat of a class. */
export const kindOf = (
  { lab, resume }: Pick<ClassPlan, "lab" | "resume">,
  { targets }: Pick<SeatPlan, "targets">,
): SeatKind => ({ lab: lab.name, targets, resume });

const keyOf = ({ lab, resume, targets }: SeatKind): string =>
  [lab, [...targets].sort().join(","), resume ? "resumed" : "booted"].join(" ");

const file = (): string => join(stateDir(), "seat-costs.json");

/** Empty when there is no file, or it is damaged: a class or a rehearsal measures it again. */
const readAll = async (): Promise<z.output<typeof fileSchema>> => {
  try {
    return fileSchema.parse(JSON.parse(await readFile(file(), "utf8")));
  } catch {
    return {};
  }
};

/** Remembers what a seat took that came up alone. */
export async function rememberCosts(kind: SeatKind, costs: SeatCosts): Promise<void> {
  await privateDir(stateDir());
  const all = { ...(await readAll()), [keyOf(kind)]: { at: new Date().toISOString(), costs } };
  await writeFileAtomic(file(), `${JSON.stringify(all, null, 2)}\n`, { mode: 0o600 });
}

/** When the new seats of a class would be ready. */
export interface Forecast {
  /** Seconds after the start. */
  seconds: number;
  measured: Measured;
  /** The latest time to start a class that has a `readyBy`, in milliseconds since 1970. */
  startBy?: number;
}

/** Twice the forecast is left, because it comes from one seat on a host that was idle. */
const SAFETY = 2;

/** @returns `undefined` when a seat like these was not measured here yet, or there are no new seats. */
export async function forecast(
  plan: Pick<ClassPlan, "hosts" | "lab" | "readyBy" | "rented" | "resume" | "seats">,
  workers = defaultWorkers(),
): Promise<Forecast | undefined> {
  const { hosts, readyBy, seats } = plan;
  const news = seats.filter(({ plan }) => plan.existing === undefined);
  const [first] = news;
  if (first === undefined) return undefined;
  const measured = (await readAll())[keyOf(kindOf(plan, first.plan))];
  if (measured === undefined) return undefined;
  const { seconds } = await rehearse({
    seats: news.length,
    hosts: hosts.map(({ name }) => ({
      name,
      seats: news.filter(({ host }) => host === name).length,
      taken: 0,
    })),
    cpus: Math.min(...hosts.map(({ cpus }) => cpus)),
    costs: measured.costs,
    rented: plan.rented?.news !== undefined,
    faults: {
      lost: [],
      slowImage: 1,
      refused: 0,
      perSecond: plan.rented?.news ? RENTALS_PER_SECOND : Number.POSITIVE_INFINITY,
    },
    workers,
    seed: "",
  });
  return {
    ...{ seconds, measured },
    ...(readyBy === undefined ? {} : { startBy: readyBy - SAFETY * seconds * 1000 }),
  };
}
