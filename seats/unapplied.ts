import { dirname, join } from "node:path";
import { repoDir } from "../base/paths.js";
import { quoted } from "../base/shell-words.js";
import { imageHash } from "../images/index.js";
import type { Lab } from "../labs/load-lab.js";
import { sizeProblem } from "../labs/vps.js";
import { instanceTypeFor } from "../model/instance-catalogue.js";
import { formatDuration, formatSize } from "../model/units.js";
import { imageSpecOf } from "./image-specs.js";
import { endOf } from "./lifetime.js";
import { type LabThen, rentedAt, type SeatRecord, targetsOf } from "./seat-record.js";

/** A setting of lab.yaml that `up` does not apply to an existing seat. */
export interface Unapplied {
  /** The key of lab.yaml. */
  what: string;
  /** The values in lab.yaml and in the seat. */
  lab: string;
  seat: string;
  /** How to apply it. */
  apply: string;
}

/** The lab's values of settings that the command line may override. The seat keeps them, to detect later changes of the lab. */
export const labThenOf = ({ targets, ttl, vps }: Pick<Lab, "targets" | "ttl" | "vps">): LabThen => ({
  targets: [...targets],
  ttl: ttl ?? null,
  cloud: vps.cloud,
});

/**
 * How lab.yaml differs from an existing seat. A value from the command line is not a difference, as long as the lab's
 * value has not changed since. Pure.
 */
export function unapplied(lab: Lab, record: SeatRecord): Unapplied[] {
  // A lab outside labs/ is named by its folder.
  const ours = dirname(lab.dir) === join(repoDir, "labs");
  const seat = `${quoted([ours ? lab.name : lab.dir])} --seat ${record.seat}`;
  const anew = `trilab down ${lab.name} --seat ${record.seat}, then trilab up ${seat}: this deletes everything in the seat's machines`;
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
  // The hash does not say which packages an image has.
  add("image (packages, release)", imageHash(imageSpecOf(kept)), record.image);
  if (record.vps) found.push(...unappliedVps(lab, record, record.vps, anew));
  return found;
}

/** Absent, null and infinite all mean none. */
const ttlWord = (seconds: number | null | undefined): string =>
  Number.isFinite(seconds ?? Number.NaN) ? formatDuration(seconds ?? 0) : "none";

/** A rented machine stays as it is; only the learner's address may change. */
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
    ["vps.size", type, rented.firstType ?? rented.type],
    ["vps.credits", vps.credits, rented.credits],
    ["vps.region", (aws && vps.region) || "", (vps.region && region) || ""],
    ["vps.network", aws ? vps.network : "", (aws && rented.network) || ""],
    ["vps.spot", aws ? String(vps.spot) : "", aws ? String(rented.spot ?? false) : ""],
  ];
  return rows
    .filter(([, wanted, has]) => wanted !== has)
    .map(([what, wanted, has]) => ({ what, lab: wanted, seat: has, apply }));
}
