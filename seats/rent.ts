import { z } from "zod";
import { ExitCode, UserError } from "../base/errors.js";
import { awsCredentials, awsRegion } from "../drivers/ec2/credentials.js";
import type { OutputValue } from "../engine/index.js";
import { learnerAddress } from "../hosts/learner-address.js";
import { imageHash } from "../images/index.js";
import type { CloudWish } from "../labs/cloud-wishes.js";
import type { Lab } from "../labs/define-lab.js";
import type { Cloud } from "../model/clouds.js";
import { instanceTypeFor } from "../model/instance-catalogue.js";
import type { Rented } from "../model/rented.js";
import { askCaller, requireClock } from "./account.js";
import { rentedImageSpec } from "./image-specs.js";
import { readRecord, type SeatRecord, writeRecord } from "./seat-record.js";
import type { Renting } from "./sources.js";

export interface RentRequest {
  lab: Pick<Lab, "machine" | "vps">;
  /** From the command line; absent: the lab's. */
  cloud?: CloudWish;
  /** The one address that may reach SSH; absent: this machine's public one. */
  sshFrom?: string;
}

/**
 * Who rents the seat's VPS out. What it has is kept: a machine can't move. Otherwise the rehearsal, unless the user or the
 * lab says `aws`, or `auto` and there are credentials: money is spent by an explicit wish only.
 *
 * @throws UserError: exit 2 when the seat's VPS is another cloud's, exit 3 when AWS is wanted and there are no credentials.
 */
export async function chooseCloud(existing: Renting | undefined, request: RentRequest): Promise<Cloud> {
  const { cloud: asked, lab } = request;
  if (existing !== undefined) {
    if (asked === undefined || asked === "auto" || asked === existing.cloud) return existing.cloud;
    throw new UserError(`this seat's VPS is there already, with cloud "${existing.cloud}"`, {
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
    fix: "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; or rehearse without an account: --cloud local",
    exitCode: ExitCode.hostNotReady,
  });
}

/** As `chooseCloud`, with AWS's region. @throws UserError as its parts do. */
export async function chooseRenting(existing: Renting | undefined, request: RentRequest): Promise<Renting> {
  const cloud = await chooseCloud(existing, request);
  if (cloud === "local") return { cloud };
  return { cloud, region: existing?.region ?? (await awsRegion(request.lab.vps.region)) };
}

/** What the seat rents: as it has it, or newly chosen for the lab's machine. @throws UserError as its parts do. */
export async function rent(
  existing: Rented | undefined,
  request: RentRequest,
  disk: number,
): Promise<Rented> {
  const { cloud, region } = await chooseRenting(existing, request);
  if (existing !== undefined) {
    // A learner's own address changes more often than their machine.
    if (cloud !== "aws" || request.sshFrom === undefined) return existing;
    return { ...existing, learner: await learnerAddress(request.sshFrom) };
  }
  const { machine, vps } = request.lab;
  const common = { type: instanceTypeFor(machine, vps.size).name, credits: vps.credits };
  if (cloud === "local") return { cloud, ...common, image: imageHash(rentedImageSpec(machine, disk)) };
  const caller = region === undefined ? undefined : await askCaller(region);
  if (caller) requireClock(caller.clockAhead);
  return {
    cloud,
    ...common,
    region,
    ...(caller?.account === undefined ? {} : { account: caller.account }),
    network: vps.network,
    spot: vps.spot,
    learner: await learnerAddress(request.sshFrom ?? process.env.TRILAB_SSH_FROM),
  };
}

const outputsSchema = z.object({ vps: z.object({ address: z.string() }) });

/** The record with the address that AWS gave the VPS, which the seat's outputs tell; others as they are. */
export async function withAddress(
  record: SeatRecord,
  outputs: Readonly<Record<string, OutputValue>>,
): Promise<SeatRecord> {
  if (record.vps?.cloud !== "aws") return record;
  const { address } = outputsSchema.parse(outputs.targets?.value).vps;
  if (record.vps.address === address) return record;
  const known = { ...record, vps: { ...record.vps, address, since: new Date().toISOString() } };
  // Of the rest of what is given, some may not be true yet.
  await writeRecord({ ...((await readRecord(record)) ?? record), vps: known.vps });
  return known;
}
