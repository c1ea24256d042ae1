import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ExitCode } from "../../base/errors.js";
import { guessFirst } from "../../cli/ask-guesses.js";
import type { Context } from "../../cli/context.js";
import { readPrediction } from "../../report/prediction-file.js";

const id = { lab: "first-boot", seat: "alice" };
const answers = ["10", "5.5", "guest", "12"];
const guesses = { startRatio: 10, memoryRatio: 5.5, duelLoser: "guest", guestsThatFit: 12 };

let dir = "";
const before = process.env.XDG_STATE_HOME;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-guesses-"));
  process.env.XDG_STATE_HOME = dir;
});
afterEach(async () => {
  if (before === undefined) delete process.env.XDG_STATE_HOME;
  else process.env.XDG_STATE_HOME = before;
  await rm(dir, { recursive: true, force: true });
});

/** What is asked of a learner who says `yes` or `no` and then types; `undefined` answers mean no terminal. */
function learner(says: boolean | undefined, types: readonly string[] = []) {
  const questions: string[] = [];
  const lines = [...types];
  const talk: Pick<Context, "tell" | "confirm" | "ask"> = {
    tell: () => {},
    confirm: async (question) => {
      questions.push(question);
      return says;
    },
    ask: async (question) => {
      questions.push(question);
      return lines.shift();
    },
  };
  return { questions, talk };
}

test("invited: a learner who agrees is asked four questions, once", async () => {
  const { questions, talk } = learner(true, answers);
  await guessFirst(id, { required: false, declined: false }, talk);
  expect(questions).toHaveLength(5);
  expect(await readPrediction(id)).toMatchObject(guesses);
  await guessFirst(id, { required: false, declined: false }, talk);
  expect(questions).toHaveLength(5);
});

test.each([false, undefined])("invited: saying %s leaves it at that", async (says) => {
  const { questions, talk } = learner(says);
  await guessFirst(id, { required: false, declined: false }, talk);
  expect(questions).toHaveLength(1);
  expect(await readPrediction(id)).toBeUndefined();
});

test("invited and declined beforehand: nothing is asked", async () => {
  const { questions, talk } = learner(true, answers);
  await guessFirst(id, { required: false, declined: true }, talk);
  expect(questions).toEqual([]);
});

test("required: there is no question whether", async () => {
  const { questions, talk } = learner(false, answers);
  await guessFirst(id, { required: true, declined: false }, talk);
  expect(questions).toHaveLength(4);
  expect(await readPrediction(id)).toMatchObject(guesses);
});

test.each([
  ["declined", true],
  ["with no terminal to ask on", false],
])("required and %s: it ends with 2 and says how to guess", async (_, declined) => {
  const { talk } = learner(undefined);
  await expect(guessFirst(id, { required: true, declined }, talk)).rejects.toMatchObject({
    exitCode: ExitCode.usage,
    fix: expect.stringContaining("trilab predict"),
  });
  expect(await readPrediction(id)).toBeUndefined();
});
