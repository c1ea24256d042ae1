import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ExitCode, UserError } from "../../base/errors.js";
import { finishesItsStep } from "../../base/working.js";
import { measureSeat } from "../../classes/measure-seat.js";
import { LOCAL } from "../../model/endpoint.js";
import { reporting, type StepEvent, settled } from "../../model/events.js";
import { takeDown } from "../../seats/down.js";
import type { SeatPlan } from "../../seats/plan.js";
import type { Receipt } from "../../seats/receipt.js";
import { removeRecord, writeRecord } from "../../seats/seat-record.js";
import { type Brought, bringUp } from "../../seats/up.js";
import { seatRecord } from "./record.js";

vi.mock("../../seats/up.js", () => ({ bringUp: vi.fn() }));
vi.mock("../../seats/down.js", () => ({ takeDown: vi.fn() }));

const record = seatRecord();
const id = { lab: record.lab, seat: record.seat };
const plan = { id, request: { endpoints: LOCAL } } as SeatPlan;

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "temporary-seat-"));
  vi.stubEnv("XDG_STATE_HOME", dir);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.resetAllMocks();
  await rm(dir, { recursive: true });
});

/** Measures a seat. @returns the notes of its events. */
async function measured(
  up: () => Promise<unknown>,
  down: () => Promise<Partial<Receipt>>,
): Promise<(string | undefined)[]> {
  vi.mocked(bringUp).mockImplementation(() =>
    reporting(async () => {
      await writeRecord(record);
      return (await up()) as Brought;
    }),
  );
  vi.mocked(takeDown).mockImplementation(() =>
    reporting(async () => {
      await removeRecord(id);
      return (await down()) as Receipt;
    }),
  );
  const events: StepEvent[] = [];
  await settled(measureSeat(plan, { waitMs: 1, resume: true }), (event) => events.push(event)).finally(() =>
    notes.push(...events.filter(({ state }) => state === "note").map(({ text }) => text)),
  );
  return notes;
}
let notes: (string | undefined)[] = [];
beforeEach(() => {
  notes = [];
});
const clean = async () => ({ residue: [] });
const silent = new UserError("the host does not answer", { exitCode: ExitCode.hostNotReady });

it("is removed before the process may end", async () => {
  let during = false;
  await measured(async () => {
    during = finishesItsStep();
  }, clean);
  expect([during, finishesItsStep(), vi.mocked(takeDown).mock.calls.length]).toEqual([true, false, 1]);
});

it("of which something is left is an error that names it", async () => {
  const left = { residue: [{ kind: "container", name: "c", ofSeat: id }] } as unknown as Partial<Receipt>;
  await expect(
    measured(
      async () => {},
      async () => left,
    ),
  ).rejects.toMatchObject({
    ...{ exitCode: ExitCode.residue, why: "container c", fix: "remove it: trilab down l --seat s" },
  });
});

it("that failed and can't be removed tells why it failed, and notes the other", async () => {
  const failed = new UserError("the guest does not answer");
  const broken = measured(
    async () => {
      throw failed;
    },
    async () => {
      throw silent;
    },
  );
  await expect(broken).rejects.toBe(failed);
  expect([notes, finishesItsStep()]).toEqual([["the host does not answer"], false]);
  await expect(
    measured(
      async () => {},
      async () => {
        throw silent;
      },
    ),
  ).rejects.toBe(silent);
});

it("that was never begun is not looked for", async () => {
  vi.mocked(bringUp).mockImplementation(() =>
    reporting(async () => {
      throw silent;
    }),
  );
  await expect(settled(measureSeat(plan, { waitMs: 1, resume: true }))).rejects.toBe(silent);
  expect(takeDown).not.toHaveBeenCalled();
});
