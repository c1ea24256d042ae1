import { messageAndWhy, UserError } from "../base/errors.js";
import { connect, inventory } from "../drivers/drivers.js";
import { type Found, machineIn } from "../drivers/found.js";
import type { Task } from "../labs/task-schema.js";
import { type Endpoint, endpointWords } from "../model/endpoint.js";
import { expiryInForce } from "../seats/lifetime.js";
import { requireAnswer } from "../seats/seat-drivers.js";
import type { SeatRecord } from "../seats/seat-record.js";
import { readAttempts } from "../tasks/attempts.js";
import { type Score, scoreOf } from "../tasks/score.js";
import { type ClassRecord, type Member, seatOf } from "./class-record.js";
import { recordsOf, seatsOf } from "./class-seats.js";

/** A learner's seat as it is now. */
export interface MemberStatus {
  member: Member;
  /** Empty: there is no seat, or it can't be read. `state`: the daemon's word, `gone`, or `not answered`. */
  machines: { target: string; state: string; at: string }[];
  /** Why the seat's record can't be read; absent: it can, or there is no seat. */
  unreadable?: string;
  /** ISO 8601 or `never`; empty without a seat. */
  created: string;
  expires: string;
  score: Score;
  /** When somebody last looked at a task, ISO 8601; absent: nobody did. */
  lastLook?: string | undefined;
}

/**
 * The state of each seat of a class, by one question to each daemon and region.
 *
 * @returns also the errors of those that did not answer.
 */
export async function classStatus(
  record: ClassRecord,
  tasks: readonly Task[],
): Promise<{ members: MemberStatus[]; silent: UserError[] }> {
  const seats = await seatsOf(record);
  const { found, silent } = await askAll(recordsOf(seats));
  const members = await Promise.all(
    record.members.map(async (member): Promise<MemberStatus> => {
      const known = seats.find((each) => each.member === member);
      const seat = known && "record" in known ? known.record : undefined;
      const { entries } = await readAttempts(seatOf(record, member));
      return {
        member,
        machines: (seat?.machines ?? []).map(({ endpoint, name, target }) => {
          const there = found.get(endpointWords(endpoint));
          const machine = there && machineIn(there, { name });
          const state = there === undefined ? "not answered" : (machine?.state ?? "gone");
          const node = machine?.node === undefined ? "" : `, node ${machine.node}`;
          return { target, state, at: `${endpointWords(endpoint)}${node}` };
        }),
        ...(known && "error" in known ? { unreadable: messageAndWhy(known.error) } : {}),
        created: seat?.created ?? "",
        expires: seat ? expiryInForce(seat) : "",
        score: scoreOf(tasks, entries),
        lastLook: entries.filter(({ outcome }) => outcome !== undefined).at(-1)?.at,
      };
    }),
  );
  return { members, silent };
}

/** Everything at the endpoints of some seats, by the endpoint in words. */
async function askAll(
  records: readonly SeatRecord[],
): Promise<{ found: Map<string, Found[]>; silent: UserError[] }> {
  const endpoints = new Map<string, { endpoint: Endpoint; record: SeatRecord }>();
  for (const record of records)
    for (const { endpoint } of record.machines) endpoints.set(endpointWords(endpoint), { endpoint, record });
  const found = new Map<string, Found[]>();
  const silent: UserError[] = [];
  await Promise.all(
    [...endpoints].map(async ([words, { endpoint, record }]) => {
      try {
        await requireAnswer(record, endpoint);
        const { labelled, named } = await inventory([connect(endpoint)]);
        found.set(words, [...labelled.map((each) => each.found), ...named]);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        silent.push(error);
      }
    }),
  );
  return { found, silent };
}
