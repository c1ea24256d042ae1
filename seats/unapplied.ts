import { dirname, join } from "node:path";
import { repoDir } from "../base/paths.js";
import { quoted } from "../base/shell-words.js";
import { imageHash } from "../images/index.js";
import type { Lab } from "../labs/define-lab.js";
import { sizeProblem } from "../labs/vps.js";
import { instanceTypeFor } from "../model/instance-catalogue.js";
import { formatDuration, formatSize } from "../model/units.js";
import { imageSpecOf } from "./image-specs.js";
import { endOf } from "./lifetime.js";
import { type LabThen, rentedAt, type SeatRecord, targetsOf } from "./seat-record.js";

/** Something that lab.yaml asks for and that a seat, being there already, does not get by `up`. */
export interface Unapplied {
  /** The key of lab.yaml. */
  what: string;
  /** What lab.yaml says, and what the seat has. */
  lab: string;
  seat: string;
  /** What would apply it. */
  apply: string;
}

/** What a lab says that a command line may say otherwise: kept with the seat, to tell later what the lab has changed. */
export const labThenOf = ({ targets, ttl, vps }: Pick<Lab, "targets" | "ttl" | "vps">): LabThen => ({
  targets: [...targets],
  ttl: ttl ?? null,
  cloud: vps.cloud,
});

/**
 * How lab.yaml differs from a seat that keeps what it was made with. What a command line chose for the seat is no
 * difference, as long as the lab says what it said then. Pure.
 */
export function unapplied(lab: Lab, record: SeatRecord): Unapplied[] {
  // A lab of the user's own goes by its folder.
  const ours = dirname(lab.dir) === join(repoDir, "labs");
  const seat = `${quoted([ours ? lab.name : lab.dir])} --seat ${record.seat}`;
  const anew = `trilab down ${lab.name} --seat ${record.seat}, then trilab up ${seat}: it loses what is in the seat's machines`;
  const found: Unapplied[] = [];
  const add = (what: string, wanted: string, has: string, apply = anew): void => {
    if (wanted !== has) found.push({ what, lab: wanted, seat: has, apply });
  };
  const then = record.labThen;
  const there = targetsOf(record);

  const missing = lab.targets.filter((t) => !there.includes(t) && !then?.targets.includes(t));
  if (missing.length > 0)
    add("targets", lab.targets.join(", "), there.join(", "), `trilab up ${seat} --on ${missing}`);
  const dropped = (then?.targets ?? []).filter((t) => there.includes(t) && !lab.targets.includes(t));
  if (dropped.length > 0) add("targets", lab.targets.join(", "), there.join(", "));

  // The end is rounded up to a whole second.
  const lease = ttlWord(Math.floor((endOf(record.expires) - Date.parse(record.created)) / 1000));
  if (then === undefined || ttlWord(then.ttl) !== ttlWord(lab.ttl))
    add(
      "ttl",
      ttlWord(lab.ttl),
      lease,
      `trilab extend --lab ${lab.name} --seat ${record.seat} moves its end`,
    );

  const { disk, user } = lab.machine;
  add("machine.disk", formatSize(disk), formatSize(record.disk));
  add("machine.user", user, record.user);
  const kept = { ...lab.machine, disk: record.disk, user: record.user };
  // Which packages an image has, its hash does not tell.
  add("image (packages, release)", imageHash(imageSpecOf(kept)), record.image);
  if (record.vps) found.push(...unappliedVps(lab, record, record.vps, anew));
  return found;
}

/** Absent, null or infinite is none. */
const ttlWord = (seconds: number | null | undefined): string =>
  Number.isFinite(seconds ?? Number.NaN) ? formatDuration(seconds ?? 0) : "none";

/** What is rented stays as it is: only its learner's address moves. */
function unappliedVps(
  { machine, vps }: Lab,
  record: SeatRecord,
  rented: NonNullable<SeatRecord["vps"]>,
  apply: string,
): Unapplied[] {
  const type =
    sizeProblem(machine, vps) === undefined
      ? instanceTypeFor(machine, vps.size).name
      : (vps.size ?? "none fits");
  const region = rentedAt(record)?.region;
  const aws = region !== undefined;
  const rows: [string, string, string][] = [
    ["vps.cloud", vps.cloud, record.labThen?.cloud ?? vps.cloud],
    ["vps.size", type, rented.type],
    ["vps.credits", vps.credits, rented.credits],
    ["vps.region", vps.region ?? "", (vps.region && region) || ""],
    ["vps.network", aws ? vps.network : "", (aws && rented.network) || ""],
    ["vps.spot", aws ? String(vps.spot) : "", aws ? String(rented.spot ?? false) : ""],
  ];
  return rows
    .filter(([, wanted, has]) => wanted !== has)
    .map(([what, wanted, has]) => ({ what, lab: wanted, seat: has, apply }));
}
