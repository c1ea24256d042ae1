import { UserError } from "../base/errors.js";
import { connect, type Drivers } from "../drivers/drivers.js";
import { isRefusal } from "../drivers/refusal.js";
import { type Ec2Endpoint, type Endpoint, type Endpoints, sameEndpoint } from "../model/endpoint.js";
import type { Target } from "../model/naming.js";
import { requireAccount } from "./account.js";
import type { SeatRecord } from "./seat-record.js";

/** One driver per kind of endpoint; for EC2, one per region. */
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

/** The endpoint of each target of a seat, existing or not. */
export function endpointOf(
  target: Target,
  existing: Pick<SeatRecord, "machines"> | undefined,
  chosen: Endpoints,
  rentedIn: Ec2Endpoint | undefined,
): Endpoint {
  if (target === "vps" && rentedIn) return rentedIn;
  const kind = target === "container" ? "docker" : "libvirt";
  // A seat stays with its daemons, because its machines share their networks' addresses.
  const kept = existing?.machines.find(({ endpoint }) => endpoint.kind === kind)?.endpoint;
  return kept ?? chosen[kind];
}

/** Drivers of the daemons and regions with a seat's machines. */
export const driversOf = ({ machines }: Pick<SeatRecord, "machines">): Drivers =>
  driversAt(machines.map(({ endpoint }) => endpoint));

/**
 * Asks a daemon, or AWS about the seat's account, whether it answers.
 *
 * @throws UserError (exit 3) when it does not, or AWS's credentials are another account's.
 */
export async function requireAnswer(record: SeatRecord, endpoint: Endpoint): Promise<void> {
  if (endpoint.kind === "ec2") await requireAccount(record, endpoint.region);
  else await connect(endpoint).preflight();
}

/** The targets of a seat that run without KVM. */
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

/** What comes back from a daemon or region: its answer, a refusal (see {@link isRefusal}), or nothing. */
export type Answer = "answers" | "refuses" | "silent";

export const answerOf = (endpoint: Endpoint): Promise<Answer> =>
  connect(endpoint)
    .preflight()
    .then(
      () => "answers",
      (error: unknown) => {
        if (error instanceof UserError) return isRefusal(error) ? "refuses" : "silent";
        throw error;
      },
    );

/** Whether a daemon or region answers. */
export const answersAt = async (endpoint: Endpoint): Promise<boolean> =>
  (await answerOf(endpoint)) === "answers";
