import { ExitCode, UserError } from "../base/errors.js";
import { connect, type Drivers, seatInventory } from "../drivers/drivers.js";
import { awsCredentials, awsRegion } from "../drivers/ec2/credentials.js";
import { readCheckpoint } from "../engine/index.js";
import {
  type Ec2Endpoint,
  type Endpoint,
  type Endpoints,
  endpointsWords,
  sameEndpoint,
} from "../model/endpoint.js";
import { type SeatId, seatPrefix, type Target } from "../model/naming.js";
import { requireAccount } from "./account.js";
import { endpointsInState } from "./record-v1.js";
import { readRecord, type SeatRecord } from "./seat-record.js";

/** One driver for each endpoint named; of several of a kind that differ only EC2's regions are all kept. */
export function driversAt(endpoints: readonly Endpoint[]): Drivers {
  const drivers: { -readonly [K in keyof Drivers]: Drivers[K] } = {};
  const regions: Ec2Endpoint[] = [];
  for (const endpoint of endpoints) {
    if (endpoint.kind === "docker") drivers.docker ??= connect(endpoint);
    else if (endpoint.kind === "libvirt") drivers.libvirt ??= connect(endpoint);
    else if (!regions.some((known) => sameEndpoint(known, endpoint))) regions.push(endpoint);
  }
  if (regions.length > 0) drivers.ec2 = regions.map((region) => connect(region));
  return drivers;
}

/** The endpoint that each target of a seat has, or would have. */
export function endpointOf(
  target: Target,
  existing: Pick<SeatRecord, "machines"> | undefined,
  chosen: Endpoints,
  rentedIn: Ec2Endpoint | undefined,
): Endpoint {
  if (target === "vps" && rentedIn) return rentedIn;
  const kind = target === "container" ? "docker" : "libvirt";
  // A seat stays with the daemons it has: its machines share their networks' addresses.
  const kept = existing?.machines.find(({ endpoint }) => endpoint.kind === kind)?.endpoint;
  return kept ?? chosen[kind];
}

/** Drivers of the daemons and regions that have a seat's machines. */
export const driversOf = ({ machines }: Pick<SeatRecord, "machines">): Drivers =>
  driversAt(machines.map(({ endpoint }) => endpoint));

/** Those of a seat's targets that run without KVM. */
export async function emulatedTargets(record: SeatRecord, targets: readonly Target[]): Promise<Target[]> {
  const emulated = await Promise.all(
    record.machines
      .filter(({ target }) => targets.includes(target))
      .map(async ({ endpoint, name, target }) =>
        endpoint.kind === "libvirt" && (await connect(endpoint).domainType(name)) !== "kvm" ? [target] : [],
      ),
  );
  return emulated.flat();
}

export interface AskOptions {
  /** The daemons to ask where the seat's own are not known. */
  chosen: Endpoints;
  /** Nothing may be known of it any more: the chosen daemons that answer are asked too, and AWS where it can be. */
  byLabel?: boolean;
  /** What of it does not answer is gone for good: it is not asked. */
  hostGone?: boolean;
  /** The seat is to go because its time is up: where AWS is asked, the clock must be right. */
  clock?: boolean;
  /** AWS's regions that have something of it, as somebody has seen. */
  regions?: readonly string[];
}

/** Whom to ask about a seat, and whom not, as it does not answer and is said to be gone. */
export interface Asked {
  drivers: Drivers;
  gone: Endpoint[];
}

/**
 * Whom to ask about a seat that is to go: the daemons and regions that its record names, or else its state. They must
 * answer, or the receipt would claim what nobody has looked at.
 *
 * @throws UserError: exit 3 when one of them does not answer, or AWS's credentials are another account's; exit 6 when
 * neither record nor state knows the seat, unless `byLabel`.
 */
export async function driversToAsk(id: SeatId, options: AskOptions): Promise<Asked> {
  const own = await ownEndpoints(id, options.regions ?? []);
  if (own === undefined && !options.byLabel) throw unknownSeat(id);
  const gone: Endpoint[] = [];
  const answering: Endpoint[] = [];
  for (const endpoint of own ?? []) {
    const silent = await problemWith(endpoint, id, options);
    if (silent === undefined) answering.push(endpoint);
    else if (options.hostGone) gone.push(endpoint);
    else throw unreachable(id, silent);
  }
  if (options.byLabel) answering.push(...(await othersThatAnswer(own ?? [], options.chosen)));
  if (answering.length === 0 && gone.length === 0) throw nobodyAnswers(id, options.chosen);
  return { drivers: driversAt(answering), gone };
}

/** The endpoints that a seat is known to use; `undefined` when nothing is known of it. */
async function ownEndpoints(id: SeatId, regions: readonly string[]): Promise<Endpoint[] | undefined> {
  const record = await readRecord(id).catch(() => undefined);
  const checkpoint = await readCheckpoint({ stack: seatPrefix(id) }).catch(() => undefined);
  const seen = regions.map((region): Ec2Endpoint => ({ kind: "ec2", region }));
  const known = [...(record?.machines.map(({ endpoint }) => endpoint) ?? []), ...seen];
  if (record === undefined && checkpoint === undefined && seen.length === 0) return undefined;
  const resources = checkpoint?.resources ?? [];
  const inState = (prefix: string): boolean => resources.some(({ type }) => type.startsWith(prefix));
  const { docker, libvirt } = await endpointsInState(id);
  const has = (kind: Endpoint["kind"]): boolean => known.some((endpoint) => endpoint.kind === kind);
  if (!has("docker") && inState("docker:")) known.push(docker);
  if (!has("libvirt") && inState("libvirt:")) known.push(libvirt);
  const region = resources.find(({ type }) => type === "pulumi:providers:aws")?.inputs.region;
  if (!has("ec2") && typeof region === "string") known.push({ kind: "ec2", region });
  return known.filter((endpoint, i) => known.findIndex((other) => sameEndpoint(other, endpoint)) === i);
}

/** Why a daemon does not answer; `undefined` where it does. AWS must be there for good: its failures are thrown. */
async function problemWith(
  endpoint: Endpoint,
  id: SeatId,
  { byLabel, clock }: AskOptions,
): Promise<UserError | undefined> {
  if (endpoint.kind === "ec2") {
    await requireAccount(id, endpoint.region, { lost: byLabel === true, clock: clock === true });
    return undefined;
  }
  try {
    await connect(endpoint).preflight();
    return undefined;
  } catch (error) {
    if (error instanceof UserError && error.exitCode === ExitCode.hostNotReady) return error;
    throw error;
  }
}

/** Of the chosen daemons, and of the AWS region configured here, those that answer and are not known already. */
async function othersThatAnswer(known: readonly Endpoint[], chosen: Endpoints): Promise<Endpoint[]> {
  const region = await regionHere();
  const others: Endpoint[] = [
    chosen.docker,
    chosen.libvirt,
    ...(region === undefined ? [] : [{ kind: "ec2", region } as const]),
  ];
  const answers = await Promise.all(
    others
      .filter((endpoint) => !known.some(({ kind }) => kind === endpoint.kind && kind !== "ec2"))
      .filter((endpoint) => !known.some((other) => sameEndpoint(other, endpoint)))
      .map(async (endpoint) => ((await answersAt(endpoint)) ? [endpoint] : [])),
  );
  return answers.flat();
}

/** Whether a daemon or region answers us. */
export const answersAt = (endpoint: Endpoint): Promise<boolean> =>
  connect(endpoint)
    .preflight()
    .then(
      () => true,
      (error: unknown) => {
        if (error instanceof UserError) return false;
        throw error;
      },
    );

/** The region of the environment or the profile, where there are credentials; whether AWS takes them is not asked. */
export async function regionHere(): Promise<string | undefined> {
  if ((await awsCredentials()) === undefined) return undefined;
  return awsRegion(undefined).catch((error: unknown) => {
    if (error instanceof UserError) return undefined;
    throw error;
  });
}

/** Whether the chosen daemons, or AWS, have anything of the seat, whoever made it. */
export async function leftovers(id: SeatId, chosen: Endpoints): Promise<boolean> {
  const { drivers } = await driversToAsk(id, { chosen, byLabel: true });
  return (await seatInventory(id, drivers)).length > 0;
}

function unknownSeat({ lab, seat }: SeatId): UserError {
  return new UserError(`there is no seat "${seat}" of lab "${lab}" here`, {
    why: "this state directory has no record of it; nothing was looked for, and nothing was touched",
    fix: `see what there is: trilab status; if its record is lost, look for it by its labels: trilab down ${lab} --seat ${seat} --by-label`,
    exitCode: ExitCode.notFound,
  });
}

function unreachable({ lab, seat }: SeatId, problem: UserError): UserError {
  return new UserError(problem.message, {
    why: [problem.why, `seat "${seat}" of lab "${lab}" has machines there; all of it was kept`]
      .filter(Boolean)
      .join("\n"),
    fix: `${problem.fix ?? "run it again"}; if that host is gone for good: trilab down ${lab} --seat ${seat} --host-gone`,
    exitCode: ExitCode.hostNotReady,
    cause: problem,
  });
}

function nobodyAnswers({ lab, seat }: SeatId, chosen: Endpoints): UserError {
  return new UserError(`nobody could be asked about seat "${seat}" of lab "${lab}"`, {
    why: `${endpointsWords([chosen.docker, chosen.libvirt])} did not answer, and no region of AWS could be asked`,
    fix: "start the daemons (trilab doctor --fix), or name those that may have it: --docker, --libvirt",
    exitCode: ExitCode.hostNotReady,
  });
}
