import { readFile } from "node:fs/promises";
import { release, totalmem } from "node:os";
import { UserError } from "../base/errors.js";
import { HostCostError, isOnThisHost, type Machine } from "../drivers/machine.js";
import type { FactName } from "../labs/claims.js";
import type { Target } from "../model/naming.js";
import { type Facts, readFacts } from "./machine-facts.js";
import { isRented, openEnvironment, openMachine } from "./open-target.js";
import { type SeatRecord, targetsOf } from "./seat-record.js";

/** What is known of a seat and decides claims: of its targets from inside and from the host, and of the host itself. */
export type SeatFacts = Partial<Record<FactName, Partial<Record<Target | "host", string>>>>;

/** What systemd-detect-virt calls containers. */
const CONTAINERS =
  /^(docker|podman|lxc|lxc-libvirt|openvz|systemd-nspawn|rkt|wsl|proot|pouch|container-other)$/;

/**
 * Adds to the facts that were read inside what the host knows of the targets. It changes nothing. A fact that can't be read
 * is left out.
 */
export async function seatFacts(
  record: SeatRecord,
  inside: Partial<Record<Target, Facts>>,
): Promise<SeatFacts> {
  const found: SeatFacts = {};
  const add = (place: Target | "host", facts: Partial<Record<FactName, string>>): void => {
    for (const [name, value] of Object.entries(facts) as [FactName, string][])
      if (value !== "" && value !== "NaN") found[name] = { ...found[name], [place]: value };
  };
  let allHere = true;
  for (const [target, facts] of Object.entries(inside) as [Target, Facts][]) {
    const machine = await openMachine(record, target);
    if (!isOnThisHost(machine)) allHere = false;
    add(target, { ...insideFacts(facts), ...(await hostFacts(machine, facts)) });
    if (isRented(record, target)) add(target, { "rented-in": kindOf(facts.virtualisation) });
  }
  // This host's facts say nothing about machines on others.
  if (allHere) add("host", await thisHost());
  return found;
}

/**
 * The facts of a seat, read now.
 *
 * @param tell Called for each target that does not answer: then it has no facts.
 */
export async function readSeatFacts(record: SeatRecord, tell: (line: string) => void): Promise<SeatFacts> {
  const inside = await Promise.all(
    targetsOf(record).map(async (target): Promise<[Target, Facts][]> => {
      try {
        return [[target, await readFacts(await openEnvironment(record, target))]];
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        tell(error.message);
        return [];
      }
    }),
  );
  return seatFacts(record, Object.fromEntries(inside.flat()));
}

const insideFacts = (facts: Facts): Partial<Record<FactName, string>> => ({
  kernel: facts.kernel,
  boot: facts.boot,
  "memory-given": String(facts.memory),
  "memory-seen": String(facts.memoryVisible),
  "disk-limit": { own: "yes", watched: "only watched", none: "no" }[facts.diskLimit],
});

async function hostFacts(machine: Machine, { init }: Facts): Promise<Partial<Record<FactName, string>>> {
  const [process, image] = await Promise.all([orUnknown(machine.process()), orUnknown(machine.image())]);
  return {
    ...(process && {
      "on-host": yesOrNo(process.name === init && process.numbers.at(-1) === 1),
      "pid-namespace": process.numbers.length > 1 ? "its own" : "the host's",
    }),
    ...(image && { "image-bytes": String(image.bytes), "image-changed": yesOrNo(image.changed) }),
    ...(image?.files && { files: String(image.files) }),
  };
}

const thisHost = async (): Promise<Partial<Record<FactName, string>>> => ({
  kernel: release(),
  boot: (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim(),
  "memory-seen": String(totalmem()),
});

const yesOrNo = (answer: boolean): string => (answer ? "yes" : "no");

const kindOf = (virtualisation: string): string =>
  virtualisation === "none"
    ? "no virtualisation"
    : CONTAINERS.test(virtualisation)
      ? "container"
      : "virtual machine";

/** The host of a rented machine can't be looked at, and that of another daemon not from here. */
const orUnknown = <T>(reading: Promise<T>): Promise<T | undefined> =>
  reading.catch((error: unknown) => {
    if (error instanceof HostCostError) return undefined;
    throw error;
  });
