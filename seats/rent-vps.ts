import { z } from "zod";
import { ExitCode, UserError } from "../base/errors.js";
import { awsCredentials, awsRegion } from "../drivers/ec2/credentials.js";
import type { OutputValue } from "../engine/index.js";
import { imageHash } from "../images/index.js";
import type { CloudRequest } from "../labs/cloud-requests.js";
import type { Lab } from "../labs/load-lab.js";
import type { Cloud } from "../model/clouds.js";
import type { Ec2Endpoint } from "../model/endpoint.js";
import { instanceTypeFor } from "../model/instance-catalogue.js";
import type { Rented } from "../model/rented.js";
import { askCaller, requireClock } from "./account.js";
import { rentedImageSpec } from "./image-specs.js";
import { amendRecord, machineOf, rentedAt, type SeatRecord } from "./seat-record.js";
import { sshFromAddress } from "./ssh-from.js";

/** Where a seat's VPS comes from. */
export interface Renting {
  cloud: Cloud;
  /** The AWS region; absent for a rehearsal. */
  region?: string | undefined;
}

export interface RentRequest {
  lab: Pick<Lab, "machine" | "vps">;
  /** From the command line; absent: the lab's. */
  cloud?: CloudRequest;
  /** The only address that may reach SSH; absent: this machine's public one. */
  sshFrom?: string;
}

/**
 * The cloud of the seat's VPS. An existing one is kept, because a machine can't move. A new one is a rehearsal, unless the
 * user or the lab says `aws`, or `auto` and there are credentials: money is spent only on explicit request.
 *
 * @throws UserError: exit 2 when the seat's VPS is in another cloud, exit 3 when AWS is requested without credentials.
 */
export async function chooseCloud(existing: Renting | undefined, request: RentRequest): Promise<Cloud> {
  const { cloud: asked, lab } = request;
  if (existing !== undefined) {
    if (asked === undefined || asked === "auto" || asked === existing.cloud) return existing.cloud;
    throw new UserError(`this seat already has a VPS, with cloud "${existing.cloud}"`, {
      why: `you asked for "${asked}"; a machine can't move from one to the other`,
      fix: "take the seat down first (trilab down), or use another: --seat NAME",
      exitCode: ExitCode.usage,
    });
  }
  const wish = asked ?? lab.vps.cloud;
  if (wish === "local") return "local";
  if ((await awsCredentials()) !== undefined) return "aws";
  if (wish === "auto") return "local";
  throw new UserError("there are no AWS credentials", {
    why: "the VPS is to be rented from AWS, and neither the environment nor ~/.aws has credentials for it",
    fix: "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; or rehearse without an AWS account: --cloud local",
    exitCode: ExitCode.hostNotReady,
  });
}

/** As `chooseCloud`, with AWS's region. @throws UserError as its parts do. */
export async function chooseRenting(existing: Renting | undefined, request: RentRequest): Promise<Renting> {
  const cloud = await chooseCloud(existing, request);
  if (cloud === "local") return { cloud };
  return { cloud, region: existing?.region ?? (await awsRegion(request.lab.vps.region)) };
}

/** What a seat rents, and where; the endpoint is absent for a rehearsal. */
export interface RentalAt {
  rented: Rented;
  endpoint?: Ec2Endpoint;
}

/** What the seat rents: as it has it, or newly chosen for the lab's machine. @throws UserError as its parts do. */
export async function rent(
  existing: SeatRecord | undefined,
  request: RentRequest,
  disk: number,
): Promise<RentalAt> {
  const { cloud, region } = await chooseRenting(rentingOf(existing), request);
  if (existing?.vps !== undefined) {
    const endpoint = rentedAt(existing);
    if (endpoint === undefined) return { rented: existing.vps };
    // A learner's address changes more often than their machine.
    if (request.sshFrom === undefined) return { rented: existing.vps, endpoint };
    return { rented: { ...existing.vps, learner: await sshFromAddress(request.sshFrom) }, endpoint };
  }
  const { machine, vps } = request.lab;
  const common = { type: instanceTypeFor(machine, vps.size).name, credits: vps.credits };
  if (cloud === "local" || region === undefined)
    return { rented: { cloud: "local", ...common, image: imageHash(rentedImageSpec(machine, disk)) } };
  const { account, clockAhead } = await askCaller(region);
  requireClock(clockAhead);
  const learner = await sshFromAddress(request.sshFrom);
  return {
    rented: { cloud, ...common, network: vps.network, spot: vps.spot, learner },
    endpoint: { kind: "ec2", region, ...(account === undefined ? {} : { account }) },
  };
}

/** The cloud of a seat's VPS; `undefined` if it has none. */
export function rentingOf(record: SeatRecord | undefined): Renting | undefined {
  if (record?.vps === undefined) return undefined;
  const region = rentedAt(record)?.region;
  return { cloud: record.vps.cloud, ...(region === undefined ? {} : { region }) };
}

const outputsSchema = z.object({ vps: z.object({ address: z.string(), id: z.string() }) });

/** The record with the VPS's address from the seat's outputs, also stored; other seats' records unchanged. */
export async function withAddress(
  record: SeatRecord,
  outputs: Readonly<Record<string, OutputValue>>,
): Promise<SeatRecord> {
  if (record.vps === undefined || rentedAt(record) === undefined) return record;
  const { address, id } = outputsSchema.parse(outputs.targets?.value).vps;
  return rememberAddress(record, address, id);
}

/** The record with the address that a rented instance has, also stored. */
export const rememberAddress = (record: SeatRecord, address: string, instance: string): Promise<SeatRecord> =>
  amendRecord(record, rentedAs(address, instance, new Date()));

/**
 * Notes the address of a rented instance. An instance that is not the one in the record costs money from now on; the same one
 * may get another address, whenever it is started. Pure.
 */
export const rentedAs =
  (address: string, instance: string, now: Date) =>
  (record: SeatRecord): SeatRecord => {
    const machine = machineOf(record, "vps");
    if (record.vps === undefined || machine === undefined) return record;
    const { since, instance: known, stoppedSeconds, ...vps } = record.vps;
    // Records of an older trilab have no instance: there, another address is another machine.
    const same = known === undefined ? machine.address === address : known === instance;
    const costs = same
      ? {
          ...(since === undefined ? {} : { since }),
          ...(stoppedSeconds === undefined ? {} : { stoppedSeconds }),
        }
      : { since: now.toISOString() };
    return {
      ...record,
      vps: { ...vps, ...costs, instance },
      machines: record.machines.map((other) => (other.target === "vps" ? { ...other, address } : other)),
    };
  };
