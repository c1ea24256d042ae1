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
import { type SeatId, seatPrefix } from "../model/naming.js";
import { requireAccount } from "./account.js";
import { endpointsInState } from "./record-v1.js";
import { answersAt, driversAt } from "./seat-drivers.js";
import { readRecord } from "./seat-record.js";

export interface AskOptions {
  /** The daemons to query if the seat's own are not known. */
  chosen: Endpoints;
  /** The record may be lost: also query the chosen daemons that answer, and AWS if possible. */
  byLabel?: boolean;
  /** Endpoints that do not answer are gone for good, and are not queried. */
  hostGone?: boolean;
  /** The seat is removed because its time is up, so the clock must be right if AWS is queried. */
  clock?: boolean;
  /** AWS regions in which something of it was seen. */
  regions?: readonly string[];
}

/** The endpoints to query about a seat, and those that are gone and not queried. */
export interface Asked {
  drivers: Drivers;
  gone: Endpoint[];
}

/**
 * The endpoints to query about a seat to remove: the daemons and regions in its record, else in its state. They must
 * answer, because the receipt must not claim what was not checked.
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
    if (silent === undefined) {
      answering.push(endpoint);
      gone.push(...(await lostNodes(endpoint, id, options)));
    } else if (options.hostGone) gone.push(endpoint);
    else throw unreachable(id, silent);
  }
  if (options.byLabel) answering.push(...(await othersThatAnswer(own ?? [], options.chosen)));
  if (answering.length === 0 && gone.length === 0) throw nobodyAnswers(id, options.chosen);
  return { drivers: driversAt(answering), gone };
}

/** The endpoints that a seat is known to use; `undefined` when the seat is unknown. */
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

/** Why a daemon does not answer; `undefined` if it does. AWS is never gone for good, so its failures are thrown. */
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

/**
 * The nodes of a Swarm that do not answer.
 *
 * @throws UserError (exit 3) when there are some, unless they are gone for good: the seat's home may be on one of them.
 */
async function lostNodes(endpoint: Endpoint, id: SeatId, { hostGone }: AskOptions): Promise<Endpoint[]> {
  const lost = endpoint.kind === "docker" ? await connect(endpoint).lost() : [];
  if (lost.length === 0 || hostGone) return lost.map((node) => node.endpoint);
  const names = lost.map(({ name }) => name);
  const nodes = `the node${names.length > 1 ? "s" : ""} ${names.join(" and ")} of the Docker Swarm`;
  throw unreachable(
    id,
    new UserError(`no answer from ${nodes}`, {
      why: "the home of the seat's container may be there",
      fix: `start it again; or, if it never comes back, remove it from the Swarm (docker node rm ${names.join(" ")}) and run this again`,
    }),
  );
}

/** The chosen daemons and the configured AWS region, if they answer and are not known already. */
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

/** The region of the environment or the profile, if there are credentials; does not check whether AWS accepts them. */
export async function regionHere(): Promise<string | undefined> {
  if ((await awsCredentials()) === undefined) return undefined;
  return awsRegion(undefined).catch((error: unknown) => {
    if (error instanceof UserError) return undefined;
    throw error;
  });
}

/** Whether the chosen daemons or AWS have anything of the seat, from any owner. */
export async function leftovers(id: SeatId, chosen: Endpoints): Promise<boolean> {
  const { drivers } = await driversToAsk(id, { chosen, byLabel: true });
  return (await seatInventory(id, drivers)).length > 0;
}

function unknownSeat({ lab, seat }: SeatId): UserError {
  return new UserError(`there is no seat "${seat}" of lab "${lab}" here`, {
    why: "this state directory has no record of it; no daemon was queried, and nothing was touched",
    fix: `list the seats: trilab status; if its record is lost, search for it by its labels: trilab down ${lab} --seat ${seat} --by-label`,
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
  return new UserError(`no endpoint could be queried about seat "${seat}" of lab "${lab}"`, {
    why: `${endpointsWords([chosen.docker, chosen.libvirt])} did not answer, and no AWS region could be queried`,
    fix: "start the daemons (trilab doctor --fix), or choose those that may have it: --docker, --libvirt",
    exitCode: ExitCode.hostNotReady,
  });
}
