import { readFile } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { ownStateDir, privateDir } from "../base/paths.js";
import type { Target } from "../model/naming.js";
import type { SeatPlan } from "../seats/plan.js";
import { defaultWorkers, RENTALS_PER_SECOND } from "../seats/seats-at-once.js";
import type { ClassPlan } from "./plan-class.js";
import { NO_FAULTS, rehearse, type SeatCosts } from "./rehearse.js";

/** What seats of one kind have taken, when they were last measured here. */
const measuredSchema = z.object({
  /** ISO 8601. */
  at: z.string(),
  costs: z.object({ control: z.number(), host: z.number(), image: z.number() }),
});
export type Measured = z.output<typeof measuredSchema>;
const fileSchema = z.record(z.string(), measuredSchema);

/** What seats have in common that take the same time. */
interface SeatKind {
  lab: string;
  targets: readonly Target[];
  /** New guests are resumed. */
  resume: boolean;
  /** Their VPS is rented. */
  rented: boolean;
}

/** The kind of one seat of a class. */
export const kindOf = (
  { lab, resume }: Pick<ClassPlan, "lab" | "resume">,
  { spending, targets }: Pick<SeatPlan, "spending" | "targets">,
): SeatKind => ({ lab: lab.name, targets, resume, rented: spending !== undefined });

const keyOf = ({ lab, rented, resume, targets }: SeatKind): string =>
  [lab, [...targets].sort().join(","), resume ? "resumed" : "booted", ...(rented ? ["rented"] : [])].join(
    " ",
  );

/** Not in a shared state: other machines take other times. */
const file = (): string => join(ownStateDir(), "seat-costs.json");

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
  await privateDir(ownStateDir());
  const all = { ...(await readAll()), [keyOf(kind)]: { at: new Date().toISOString(), costs } };
  await writeFileAtomic(file(), `${JSON.stringify(all, null, 2)}\n`, { mode: 0o600 });
}

/** Whether the machines of a seat share no CPUs with those of others: all of them are rented. */
export const haveOwnCpus = (targets: readonly Target[], rented: boolean): boolean =>
  rented && targets.every((target) => target === "vps");

/** When the new seats of a class would be ready. */
export interface Forecast {
  /** Seconds after the start. */
  seconds: number;
  measured: Measured;
  /** The latest time to start a class that has a `readyBy`, in milliseconds since 1970. */
  startBy?: number;
}

/** A class is started twice as early as computed, because the forecast comes from one seat that had the host for itself. */
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
  const kind = kindOf(plan, first.plan);
  const all = await readAll();
  // A rehearsal has measured what stands in for a rented VPS.
  const measured = all[keyOf(kind)] ?? all[keyOf({ ...kind, rented: false })];
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
    ownCpus: haveOwnCpus(first.plan.targets, kind.rented),
    faults: plan.rented?.news ? { ...NO_FAULTS, perSecond: RENTALS_PER_SECOND } : NO_FAULTS,
    workers,
    seed: "",
  });
  return {
    ...{ seconds, measured },
    ...(readyBy === undefined ? {} : { startBy: readyBy - SAFETY * seconds * 1000 }),
  };
}
